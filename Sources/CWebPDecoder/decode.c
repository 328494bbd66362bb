#include "CWebPDecoder.h"

#include <webp/decode.h>

static int status_of(VP8StatusCode code) {
    switch (code) {
    case VP8_STATUS_OK:
        return APUS_WEBP_DECODED;
    case VP8_STATUS_SUSPENDED:
    case VP8_STATUS_NOT_ENOUGH_DATA:
        return APUS_WEBP_TRUNCATED;
    case VP8_STATUS_OUT_OF_MEMORY:
        return APUS_WEBP_NO_MEMORY;
    default:
        return APUS_WEBP_CORRUPT;
    }
}

int apus_webp_header(const uint8_t *bytes, size_t count, int *width, int *height) {
    WebPBitstreamFeatures features;
    const int status = status_of(WebPGetFeatures(bytes, count, &features));
    if (status == APUS_WEBP_DECODED) {
        *width = features.width;
        *height = features.height;
    }
    return status;
}

/// Feeds the bitstream in pieces, so that decoding can be stopped between them.
static int feed(WebPIDecoder *decoder, const uint8_t *bytes, size_t count, int (*may_continue)(void *context),
                void *context) {
    const size_t piece = 16384;
    size_t known = 0;
    VP8StatusCode code = VP8_STATUS_SUSPENDED;
    while (code == VP8_STATUS_SUSPENDED && known < count) {
        if (!may_continue(context)) {
            return APUS_WEBP_STOPPED;
        }
        known = count - known < piece ? count : known + piece;
        code = WebPIUpdate(decoder, bytes, known);
    }
    return status_of(code);
}

int apus_webp_decode(const uint8_t *bytes, size_t count, int width, int height, uint8_t *pixels,
                     int (*may_continue)(void *context), int (*take_row)(void *context, const uint8_t *row),
                     void *context) {
    const size_t stride = (size_t)width * 4;
    WebPDecoderConfig config;
    if (!WebPInitDecoderConfig(&config)) {
        return APUS_WEBP_NO_MEMORY;
    }
    config.output.colorspace = MODE_RGBA;
    config.output.is_external_memory = 1;
    config.output.u.RGBA.rgba = pixels;
    config.output.u.RGBA.stride = (int)stride;
    config.output.u.RGBA.size = stride * (size_t)height;
    WebPIDecoder *decoder = WebPIDecode(NULL, 0, &config);
    if (decoder == NULL) {
        return APUS_WEBP_NO_MEMORY;
    }
    int status = feed(decoder, bytes, count, may_continue, context);
    WebPIDelete(decoder);
    WebPFreeDecBuffer(&config.output);
    for (int y = 0; status == APUS_WEBP_DECODED && y < height; ++y) {
        if (!take_row(context, pixels + stride * (size_t)y)) {
            status = APUS_WEBP_STOPPED;
        }
    }
    return status;
}
