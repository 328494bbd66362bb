#ifndef APUS_FREETYPE_H
#define APUS_FREETYPE_H

#include <stddef.h>
#include <stdint.h>

/// FreeType's library with the modules of its formats. Not for several threads at once.
typedef struct apus_font_library apus_font_library;

/// One face of a font file, which is kept in memory. Belongs to the thread of its library.
typedef struct apus_font_face apus_font_face;

/// How outlines are fitted to pixels.
enum {
    /// As the font's own program or FreeType's autohinter says, in both directions.
    APUS_HINTING_NORMAL = 0,
    /// Only upwards, so that distances across stay as designed.
    APUS_HINTING_LIGHT = 1,
    /// Not at all.
    APUS_HINTING_NONE = 2,
    /// For pixels that are on or off.
    APUS_HINTING_MONO = 3,
};

/// How a character is drawn.
typedef struct {
    /// Pixels an em, in 1/64.
    int32_t size;
    /// One of the values above.
    int32_t hinting;
    /// The outline is moved right by so many 1/64 pixels before it is drawn.
    int32_t shift;
    /// Stems become thicker by so many 1/64 pixels.
    int32_t embolden;
    /// The outline leans right by so many 1/65536 of its height.
    int32_t slant;
    /// Whether red, green and blue stripes of a pixel are covered on their own, as on a flat panel.
    int32_t has_stripes;
} apus_glyph_style;

/// A drawn character.
typedef struct {
    /// `[height, width]`, or `[height, width, 3]` with stripes, 0 to 255. Valid until the face draws again; NULL if
    /// nothing is inked.
    const uint8_t *coverage;
    int32_t width;
    int32_t height;
    /// The first column, from the pen's position.
    int32_t left;
    /// The first row lies so many rows above the baseline.
    int32_t top;
    /// The way to the next pen position, in 1/64 pixels.
    int32_t advance;
} apus_glyph;

/// Measures of a face in its own units, `units` of which are an em.
typedef struct {
    int32_t units;
    int32_t ascender;
    /// Negative below the baseline.
    int32_t descender;
    /// From baseline to baseline.
    int32_t height;
} apus_face_metrics;

/// Opens FreeType, which is loaded at the first call. Returns NULL, with the reason in `message`, if that fails.
apus_font_library *apus_font_library_open(char *message, size_t message_capacity);

/// Closes a library. Its faces must be closed before.
void apus_font_library_close(apus_font_library *library);

/// Opens face `index` of the regular file `path`, of at most `maximum_bytes`. Returns NULL, with the reason in
/// `message`, if that is no font with outlines.
apus_font_face *apus_font_face_open(apus_font_library *library, const char *path, int index, size_t maximum_bytes,
                                    char *message, size_t message_capacity);

/// Closes a face.
void apus_font_face_close(apus_font_face *face);

/// The face's measures.
apus_face_metrics apus_font_face_metrics(const apus_font_face *face);

/// Whether the face has a glyph of its own for `scalar`.
int apus_font_face_covers(apus_font_face *face, uint32_t scalar);

/// What moves `right` when it follows `left` at `size` (in 1/64 pixels an em), in 1/64 pixels. It reads only the
/// `kern` table: 0 for a font that kerns by other tables.
int32_t apus_font_face_kerning(apus_font_face *face, uint32_t left, uint32_t right, int32_t size);

/// Draws `scalar`. Returns 0, or FreeType's error; -1 for a bitmap above 2048 pixels a side.
int apus_font_face_draw(apus_font_face *face, uint32_t scalar, const apus_glyph_style *style, apus_glyph *glyph);

/// Opens a font of coloured bitmaps, in the same way.
apus_font_face *apus_colour_face_open(apus_font_library *library, const char *path, size_t maximum_bytes, char *message,
                                      size_t message_capacity);

/// Draws `scalar` from the font's largest bitmaps: `coverage` is `[height, width, 4]`, blue, green and red multiplied
/// by alpha, and alpha. Returns as `apus_font_face_draw`; -1 also for a glyph without colours.
int apus_colour_face_draw(apus_font_face *face, uint32_t scalar, apus_glyph *glyph);

#endif
