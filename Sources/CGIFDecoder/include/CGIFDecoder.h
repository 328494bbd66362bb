#ifndef APUS_GIF_DECODER_H
#define APUS_GIF_DECODER_H

#include <stddef.h>
#include <stdint.h>

/// How reading ended.
enum {
    APUS_GIF_DECODED = 0,
    /// The file is damaged or cut off.
    APUS_GIF_CORRUPT = 1,
    /// A callback asked to stop.
    APUS_GIF_STOPPED = 2,
    /// The file has more blocks before its first image than `maximum_blocks`.
    APUS_GIF_TOO_MANY_BLOCKS = 3,
};

/// The sizes of a GIF file and of its first image, in pixels.
typedef struct {
    int screen_width;
    int screen_height;
    int left;
    int top;
    int width;
    int height;
    int is_interlaced;
} apus_gif_header;

/// Reads the screen of the GIF file `bytes[0..count)` and the place of its first image.
///
/// Returns one of the values above; for APUS_GIF_CORRUPT with giflib's own words, zero-terminated, in `message`.
int apus_gif_read_header(const uint8_t *bytes, size_t count, int maximum_blocks, apus_gif_header *header, char *message,
                         size_t message_capacity);

/// Decodes the file's first image with giflib and gives its rows to `take_row` from the top down: `header.width` pixels
/// of RGBA. A transparent pixel has alpha 0. `indexes` has room for `header.width * header.height` bytes; the header is
/// compared with the file's.
///
/// Both callbacks return nonzero to go on. `may_continue` is asked between the rows of the file.
int apus_gif_decode(const uint8_t *bytes, size_t count, int maximum_blocks, const apus_gif_header *header,
                    uint8_t *indexes, uint8_t *row, int (*may_continue)(void *context),
                    int (*take_row)(void *context, const uint8_t *row), void *context, char *message,
                    size_t message_capacity);

#endif
