#include "CPNGDecoder.h"

#include <png.h>
#include <stdio.h>
#include <string.h>

/// What libpng's callbacks reach. It lives outside the frame that setjmp returns to, so nothing in it is clobbered.
typedef struct {
    const uint8_t *bytes;
    size_t left;
    char *message;
    size_t message_capacity;
} decode_state;

static void report(png_structp png, png_const_charp text) {
    decode_state *state = png_get_error_ptr(png);
    snprintf(state->message, state->message_capacity, "%s", text);
    png_longjmp(png, 1);
}

static void ignore(png_structp png, png_const_charp text) {
    (void)png;
    (void)text;
}

static void read_bytes(png_structp png, png_bytep target, size_t count) {
    decode_state *state = png_get_io_ptr(png);
    if (count > state->left) {
        png_error(png, "the data ends early");
    }
    memcpy(target, state->bytes, count);
    state->bytes += count;
    state->left -= count;
}

static void request_samples(png_structp png, png_infop info) {
    if (png_get_color_type(png, info) == PNG_COLOR_TYPE_PALETTE) {
        png_set_packing(png);
    } else {
        png_set_expand(png);
        png_set_scale_16(png);
    }
}

static void read_picture(png_structp png, png_infop info, uint8_t *samples, size_t capacity) {
    png_read_info(png, info);
    request_samples(png, info);
    const int passes = png_set_interlace_handling(png);
    png_read_update_info(png, info);
    const size_t height = png_get_image_height(png, info);
    const size_t row_bytes = png_get_rowbytes(png, info);
    if (capacity / height != row_bytes || capacity % height != 0) {
        png_error(png, "the picture has another size than its header");
    }
    for (int pass = 0; pass < passes; pass++) {
        for (size_t y = 0; y < height; y++) {
            png_read_row(png, samples + y * row_bytes, NULL);
        }
    }
    png_read_end(png, NULL);
}

int apus_png_decode(const uint8_t *bytes, size_t count, uint8_t *samples, size_t capacity, char *message,
                    size_t message_capacity) {
    decode_state state = {bytes, count, message, message_capacity};
    snprintf(message, message_capacity, "out of memory");
    png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &state, report, ignore);
    if (png == NULL) {
        return 1;
    }
    png_infop info = png_create_info_struct(png);
    if (info == NULL) {
        png_destroy_read_struct(&png, NULL, NULL);
        return 1;
    }
    // `png` and `info` keep their values from here on: that is what makes them safe to read after a longjmp.
    if (setjmp(png_jmpbuf(png))) {
        png_destroy_read_struct(&png, &info, NULL);
        return 1;
    }
    png_set_read_fn(png, &state, read_bytes);
    png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    read_picture(png, info, samples, capacity);
    png_destroy_read_struct(&png, &info, NULL);
    return 0;
}
