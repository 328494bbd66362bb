#include "CJPEGDecoder.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <jpeglib.h>

typedef struct {
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr errors;
    jmp_buf failed;
    unsigned char *bytes;
    unsigned long count;
} encode_state;

static void fail(j_common_ptr jpeg) {
    encode_state *state = jpeg->client_data;
    longjmp(state->failed, 1);
}

/// `state` belongs to the caller, so that what changes in it is still there after a longjmp.
static int encode(encode_state *state, const uint8_t *pixels, size_t width, size_t height, int quality,
                  int halves_colour) {
    struct jpeg_compress_struct *jpeg = &state->jpeg;
    if (setjmp(state->failed)) {
        jpeg_destroy_compress(jpeg);
        return 0;
    }
    jpeg_create_compress(jpeg);
    jpeg_mem_dest(jpeg, &state->bytes, &state->count);
    jpeg->image_width = (JDIMENSION)width;
    jpeg->image_height = (JDIMENSION)height;
    jpeg->input_components = 3;
    jpeg->in_color_space = JCS_RGB;
    jpeg_set_defaults(jpeg);
    jpeg_set_quality(jpeg, quality, TRUE);
    jpeg->comp_info[0].h_samp_factor = halves_colour ? 2 : 1;
    jpeg->comp_info[0].v_samp_factor = halves_colour ? 2 : 1;
    jpeg_start_compress(jpeg, TRUE);
    while (jpeg->next_scanline < jpeg->image_height) {
        // libjpeg only reads its input.
        JSAMPROW row = (JSAMPROW)(pixels + (size_t)jpeg->next_scanline * width * 3);
        jpeg_write_scanlines(jpeg, &row, 1);
    }
    jpeg_finish_compress(jpeg);
    jpeg_destroy_compress(jpeg);
    return 1;
}

uint8_t *apus_jpeg_encode(const uint8_t *pixels, size_t width, size_t height, int quality, int halves_colour,
                          size_t *count) {
    encode_state state = {.bytes = NULL, .count = 0};
    state.jpeg.err = jpeg_std_error(&state.errors);
    state.errors.error_exit = fail;
    state.jpeg.client_data = &state;
    if (!encode(&state, pixels, width, height, quality, halves_colour)) {
        free(state.bytes);
        return NULL;
    }
    *count = state.count;
    return state.bytes;
}

void apus_jpeg_free(uint8_t *bytes) { free(bytes); }
