#ifndef APUS_JPEG_DECODER_H
#define APUS_JPEG_DECODER_H

#include <stddef.h>
#include <stdint.h>

/// How decoding ended.
enum {
    APUS_JPEG_DECODED = 0,
    /// The file is damaged, cut off or of a kind that libjpeg does not know.
    APUS_JPEG_CORRUPT = 1,
    /// A callback asked to stop.
    APUS_JPEG_STOPPED = 2,
    /// The file has more scans than `maximum_scans`.
    APUS_JPEG_TOO_MANY_SCANS = 3,
};

/// Decodes the JPEG file `bytes[0..count)` with libjpeg and gives its rows to `take_row` from the top down: `width`
/// pixels of 1 (grey), 3 (RGB) or 4 channels (CMYK as it is stored), 8 bits a sample.
///
/// What libjpeg only warns of, bytes that end early or make no sense, is an error here. libjpeg reports errors by
/// longjmp, which must not cross Swift frames: it ends here. Size and channels are compared with the file's before
/// memory for pixels is taken.
///
/// Both callbacks return nonzero to go on. `may_continue` is asked between the row groups of every scan, so that a
/// progressive file of many scans can be stopped before its first row.
///
/// Returns one of the values above; for APUS_JPEG_CORRUPT with libjpeg's own words, zero-terminated, in `message`.
int apus_jpeg_decode(const uint8_t *bytes, size_t count, size_t width, size_t height, int channels, int maximum_scans,
                     int (*may_continue)(void *context), int (*take_row)(void *context, const uint8_t *row),
                     void *context, char *message, size_t message_capacity);

/// Encodes `pixels`, `[height, width, 3]` in RGB, as a baseline JPEG of `quality` 1 to 100, with the colour at half the
/// width and height if `halves_colour`. Returns `*count` bytes, which `apus_jpeg_free` takes; NULL if there is no
/// memory or a side is above 65,500.
uint8_t *apus_jpeg_encode(const uint8_t *pixels, size_t width, size_t height, int quality, int halves_colour,
                          size_t *count);

/// Gives back the bytes of `apus_jpeg_encode`.
void apus_jpeg_free(uint8_t *bytes);

#endif
