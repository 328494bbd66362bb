#include "CJPEGDecoder.h"

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <jerror.h>
#include <jpeglib.h>

/// What libjpeg's callbacks reach.
typedef struct {
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr errors;
    struct jpeg_progress_mgr progress;
    jmp_buf failed;
    int status;
    int maximum_scans;
    int (*may_continue)(void *context);
    int (*take_row)(void *context, const uint8_t *row);
    void *context;
    char *message;
    size_t message_capacity;
} decode_state;

static decode_state *state_of(j_common_ptr jpeg) { return jpeg->client_data; }

static void end(decode_state *state, int status) {
    state->status = status;
    longjmp(state->failed, 1);
}

static void report(j_common_ptr jpeg) {
    decode_state *state = state_of(jpeg);
    char text[JMSG_LENGTH_MAX];
    jpeg->err->format_message(jpeg, text);
    snprintf(state->message, state->message_capacity, "%s", text);
    end(state, APUS_JPEG_CORRUPT);
}

/// A warning (level -1) means that pixels were lost or made up. These three lose none: an unknown version or transform
/// in a header, and bytes behind the last scan, which some cameras leave there.
static void warn(j_common_ptr jpeg, int level) {
    if (level >= 0) {
        return;
    }
    const int code = jpeg->err->msg_code;
    const decode_state *state = state_of(jpeg);
    const int is_behind = state->jpeg.output_scanline > 0 && state->jpeg.output_scanline == state->jpeg.output_height;
    if (code == JWRN_ADOBE_XFORM || code == JWRN_JFIF_MAJOR || (code == JWRN_EXTRANEOUS_DATA && is_behind)) {
        return;
    }
    report(jpeg);
}

static void ignore(j_common_ptr jpeg) { (void)jpeg; }

static void watch(j_common_ptr jpeg) {
    decode_state *state = state_of(jpeg);
    if (state->jpeg.input_scan_number > state->maximum_scans) {
        end(state, APUS_JPEG_TOO_MANY_SCANS);
    }
    if (!state->may_continue(state->context)) {
        end(state, APUS_JPEG_STOPPED);
    }
}

static void fail(decode_state *state, const char *text) {
    snprintf(state->message, state->message_capacity, "%s", text);
    end(state, APUS_JPEG_CORRUPT);
}

static void read_image(decode_state *state, size_t width, size_t height, int channels) {
    struct jpeg_decompress_struct *jpeg = &state->jpeg;
    jpeg_read_header(jpeg, TRUE);
    jpeg->out_color_space = channels == 1 ? JCS_GRAYSCALE : channels == 3 ? JCS_RGB : JCS_CMYK;
    if (jpeg->image_width != width || jpeg->image_height != height || jpeg->num_components != channels) {
        fail(state, "the image has another size than its header");
    }
    jpeg_start_decompress(jpeg);
    JSAMPARRAY row = jpeg->mem->alloc_sarray((j_common_ptr)jpeg, JPOOL_IMAGE, jpeg->output_width * channels, 1);
    while (jpeg->output_scanline < jpeg->output_height) {
        if (jpeg_read_scanlines(jpeg, row, 1) != 1) {
            fail(state, "a row is missing");
        }
        if (!state->take_row(state->context, row[0])) {
            end(state, APUS_JPEG_STOPPED);
        }
    }
    // Reads on to the end marker: a file without one is cut off.
    jpeg_finish_decompress(jpeg);
}

/// `state` belongs to the caller, so that what changes in it is still there after a longjmp.
static int decode(decode_state *state, const uint8_t *bytes, size_t count, size_t width, size_t height, int channels) {
    if (setjmp(state->failed)) {
        jpeg_destroy_decompress(&state->jpeg);
        return state->status;
    }
    jpeg_create_decompress(&state->jpeg);
    state->jpeg.progress = &state->progress;
    jpeg_mem_src(&state->jpeg, bytes, count);
    read_image(state, width, height, channels);
    jpeg_destroy_decompress(&state->jpeg);
    return APUS_JPEG_DECODED;
}

int apus_jpeg_decode(const uint8_t *bytes, size_t count, size_t width, size_t height, int channels, int maximum_scans,
                     int (*may_continue)(void *context), int (*take_row)(void *context, const uint8_t *row),
                     void *context, char *message, size_t message_capacity) {
    decode_state state = {.maximum_scans = maximum_scans,
                          .may_continue = may_continue,
                          .take_row = take_row,
                          .context = context,
                          .message = message,
                          .message_capacity = message_capacity};
    state.jpeg.err = jpeg_std_error(&state.errors);
    state.errors.error_exit = report;
    state.errors.emit_message = warn;
    state.errors.output_message = ignore;
    state.progress.progress_monitor = watch;
    state.jpeg.client_data = &state;
    return decode(&state, bytes, count, width, height, channels);
}
