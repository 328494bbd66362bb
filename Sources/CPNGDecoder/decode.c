#include "CPNGDecoder.h"

#include <png.h>
#include <stdio.h>
#include <string.h>

/// What libpng's callbacks reach.
typedef struct {
    const uint8_t *bytes;
    size_t left;
    char *message;
    size_t message_capacity;
    int status;
    int (*take_row)(void *context, const uint8_t *row);
    int (*may_continue)(void *context);
    void *context;
} decode_state;

static void report(png_structp png, png_const_charp text) {
    decode_state *state = png_get_error_ptr(png);
    snprintf(state->message, state->message_capacity, "%s", text);
    state->status = APUS_PNG_CORRUPT;
    png_longjmp(png, 1);
}

static void go_on_if(png_structp png, int may_continue) {
    decode_state *state = png_get_error_ptr(png);
    if (!may_continue) {
        state->status = APUS_PNG_STOPPED;
        png_longjmp(png, 1);
    }
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

/// The rows as they come; of an interlaced image once all passes are there.
static void read_rows(png_structp png, decode_state *state, uint8_t *samples, size_t height, size_t row_bytes,
                      int passes) {
    for (int pass = 0; pass < passes; pass++) {
        for (size_t y = 0; y < height; y++) {
            uint8_t *row = passes > 1 ? samples + y * row_bytes : samples;
            png_read_row(png, row, NULL);
            go_on_if(png, state->may_continue(state->context) && (passes > 1 || state->take_row(state->context, row)));
        }
    }
    for (size_t y = 0; passes > 1 && y < height; y++) {
        go_on_if(png, state->take_row(state->context, samples + y * row_bytes));
    }
}

static void read_image(png_structp png, png_infop info, decode_state *state, uint8_t *samples, size_t capacity) {
    png_read_info(png, info);
    request_samples(png, info);
    const int passes = png_set_interlace_handling(png);
    png_read_update_info(png, info);
    const size_t height = png_get_image_height(png, info);
    const size_t row_bytes = png_get_rowbytes(png, info);
    const size_t rows = passes > 1 ? height : 1;
    if (capacity / rows != row_bytes || capacity % rows != 0) {
        png_error(png, "the image has another size than its header");
    }
    read_rows(png, state, samples, height, row_bytes, passes);
    png_read_end(png, NULL);
}

/// `state` belongs to the caller, so that what changes in it is still there after a longjmp.
static int decode(png_structp png, png_infop info, decode_state *state, uint8_t *samples, size_t capacity) {
    if (setjmp(png_jmpbuf(png))) {
        return state->status;
    }
    png_set_read_fn(png, state, read_bytes);
    png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    read_image(png, info, state, samples, capacity);
    return APUS_PNG_DECODED;
}

int apus_png_decode(const uint8_t *bytes, size_t count, uint8_t *samples, size_t capacity,
                    int (*may_continue)(void *context), int (*take_row)(void *context, const uint8_t *row),
                    void *context, char *message, size_t message_capacity) {
    decode_state state = {.bytes = bytes,
                          .left = count,
                          .message = message,
                          .message_capacity = message_capacity,
                          .status = APUS_PNG_CORRUPT,
                          .take_row = take_row,
                          .may_continue = may_continue,
                          .context = context};
    snprintf(message, message_capacity, "out of memory");
    png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &state, report, ignore);
    if (png == NULL) {
        return state.status;
    }
    png_infop info = png_create_info_struct(png);
    if (info == NULL) {
        png_destroy_read_struct(&png, NULL, NULL);
        return state.status;
    }
    const int status = decode(png, info, &state, samples, capacity);
    png_destroy_read_struct(&png, &info, NULL);
    return status;
}
