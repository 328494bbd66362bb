#include "CGIFDecoder.h"

#include <stdio.h>
#include <string.h>

#include <gif_lib.h>

typedef struct {
    const uint8_t *bytes;
    size_t count;
    size_t offset;
} source;

static int read_bytes(GifFileType *file, GifByteType *target, int wanted) {
    source *from = file->UserData;
    const size_t left = from->count - from->offset;
    const size_t given = (size_t)wanted < left ? (size_t)wanted : left;
    memcpy(target, from->bytes + from->offset, given);
    from->offset += given;
    return (int)given;
}

static int fail(const char *text, char *message, size_t capacity) {
    snprintf(message, capacity, "%s", text != NULL ? text : "it cannot be read");
    return APUS_GIF_CORRUPT;
}

static int fail_of(int error, char *message, size_t capacity) { return fail(GifErrorString(error), message, capacity); }

/// Skips to the description of the first image. `*transparent` is the index that its graphics control names, or -1.
static int find_image(GifFileType *file, int maximum_blocks, int *transparent, char *message, size_t capacity) {
    *transparent = NO_TRANSPARENT_COLOR;
    int blocks = 0;
    GifRecordType record = UNDEFINED_RECORD_TYPE;
    while (DGifGetRecordType(file, &record) == GIF_OK) {
        if (record == TERMINATE_RECORD_TYPE) {
            return fail("there is no image in it", message, capacity);
        }
        if (record == IMAGE_DESC_RECORD_TYPE) {
            return DGifGetImageDesc(file) == GIF_OK ? APUS_GIF_DECODED : fail_of(file->Error, message, capacity);
        }
        int code = 0;
        GifByteType *block = NULL;
        int read = DGifGetExtension(file, &code, &block);
        while (read == GIF_OK && block != NULL) {
            GraphicsControlBlock control;
            if (++blocks > maximum_blocks) {
                return APUS_GIF_TOO_MANY_BLOCKS;
            }
            // The first byte of a block is its length.
            if (code == GRAPHICS_EXT_FUNC_CODE && DGifExtensionToGCB(block[0], block + 1, &control) == GIF_OK) {
                *transparent = control.TransparentColor;
            }
            read = DGifGetExtensionNext(file, &block);
        }
        if (read != GIF_OK) {
            break;
        }
    }
    return fail_of(file->Error, message, capacity);
}

static apus_gif_header header_of(const GifFileType *file) {
    return (apus_gif_header){.screen_width = file->SWidth,
                             .screen_height = file->SHeight,
                             .left = file->Image.Left,
                             .top = file->Image.Top,
                             .width = file->Image.Width,
                             .height = file->Image.Height,
                             .is_interlaced = file->Image.Interlace};
}

int apus_gif_read_header(const uint8_t *bytes, size_t count, int maximum_blocks, apus_gif_header *header, char *message,
                         size_t capacity) {
    source from = {.bytes = bytes, .count = count, .offset = 0};
    int error = D_GIF_SUCCEEDED;
    GifFileType *file = DGifOpen(&from, read_bytes, &error);
    if (file == NULL) {
        return fail_of(error, message, capacity);
    }
    int transparent = NO_TRANSPARENT_COLOR;
    const int status = find_image(file, maximum_blocks, &transparent, message, capacity);
    if (status == APUS_GIF_DECODED) {
        *header = header_of(file);
    }
    DGifCloseFile(file, &error);
    return status;
}

/// Reads all indexes to their rows. An interlaced image has every eighth row first, then those between.
static int read_indexes(GifFileType *file, const apus_gif_header *header, uint8_t *indexes,
                        int (*may_continue)(void *context), void *context, char *message, size_t capacity) {
    static const int starts[] = {0, 4, 2, 1}, steps[] = {8, 8, 4, 2};
    const int passes = header->is_interlaced ? 4 : 1;
    for (int pass = 0; pass < passes; ++pass) {
        const int step = header->is_interlaced ? steps[pass] : 1;
        for (int y = header->is_interlaced ? starts[pass] : 0; y < header->height; y += step) {
            if (!may_continue(context)) {
                return APUS_GIF_STOPPED;
            }
            if (DGifGetLine(file, indexes + (size_t)y * (size_t)header->width, header->width) != GIF_OK) {
                return fail_of(file->Error, message, capacity);
            }
        }
    }
    return APUS_GIF_DECODED;
}

/// An index behind the table is black. A file without a table is grey, as Pillow reads it.
static GifColorType colour_of(int index, const ColorMapObject *colours) {
    const GifByteType level = colours == NULL ? (GifByteType)index : 0;
    return colours != NULL && index < colours->ColorCount ? colours->Colors[index]
                                                          : (GifColorType){.Red = level, .Green = level, .Blue = level};
}

static int give_rows(const ColorMapObject *colours, int transparent, const apus_gif_header *header,
                     const uint8_t *indexes, uint8_t *row, int (*take_row)(void *context, const uint8_t *row),
                     void *context) {
    for (int y = 0; y < header->height; ++y) {
        for (int x = 0; x < header->width; ++x) {
            const int index = indexes[(size_t)y * (size_t)header->width + (size_t)x];
            const GifColorType colour = colour_of(index, colours);
            row[4 * x] = colour.Red;
            row[4 * x + 1] = colour.Green;
            row[4 * x + 2] = colour.Blue;
            row[4 * x + 3] = index == transparent ? 0 : 255;
        }
        if (!take_row(context, row)) {
            return APUS_GIF_STOPPED;
        }
    }
    return APUS_GIF_DECODED;
}

int apus_gif_decode(const uint8_t *bytes, size_t count, int maximum_blocks, const apus_gif_header *header,
                    uint8_t *indexes, uint8_t *row, int (*may_continue)(void *context),
                    int (*take_row)(void *context, const uint8_t *row), void *context, char *message, size_t capacity) {
    source from = {.bytes = bytes, .count = count, .offset = 0};
    int error = D_GIF_SUCCEEDED;
    GifFileType *file = DGifOpen(&from, read_bytes, &error);
    if (file == NULL) {
        return fail_of(error, message, capacity);
    }
    int transparent = NO_TRANSPARENT_COLOR;
    int status = find_image(file, maximum_blocks, &transparent, message, capacity);
    const apus_gif_header found = header_of(file);
    if (status == APUS_GIF_DECODED && memcmp(&found, header, sizeof found) != 0) {
        status = fail("the image has another size than its header", message, capacity);
    }
    const ColorMapObject *colours = file->Image.ColorMap != NULL ? file->Image.ColorMap : file->SColorMap;
    if (status == APUS_GIF_DECODED) {
        status = read_indexes(file, header, indexes, may_continue, context, message, capacity);
    }
    if (status == APUS_GIF_DECODED) {
        status = give_rows(colours, transparent, header, indexes, row, take_row, context);
    }
    DGifCloseFile(file, &error);
    return status;
}
