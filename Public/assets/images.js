// Images on their way to the server: what it reads goes as it is, everything else that the browser can show is
// converted. Also "the image as the model saw it".

import {byId, make} from "./dom.js";

/** How the files begin that the server reads (PNG, JPEG, WebP and GIF), and how large they may be. */
const signatures =
    [[137, 80, 78, 71, 13, 10, 26, 10], [255, 216, 255], [82, 73, 70, 70, , , , , 87, 69, 66, 80], [71, 73, 70, 56]];
const limits = {
    bytes: 10 * 2 ** 20,
    side: 8192,
    pixels: 2 ** 24
};
/** Converted images have no more pixels than an encoder can use. */
const longestConvertedSide = 2048;

/** What one request may hold, in images and in their bytes before base64. */
export const requestLimits = {
    images: 16,
    bytes: 23 * 2 ** 20
};

/** Decodes a file by its pixels; SVG only through an image element. */
async function decoded(blob) {
    try {
        const bitmap = await createImageBitmap(blob);
        return {source: bitmap, width: bitmap.width, height: bitmap.height, close: () => bitmap.close()};
    } catch {
        const address = URL.createObjectURL(blob);
        const image = make("img", {src: address});
        try {
            await image.decode();
        } catch {
            URL.revokeObjectURL(address);
            throw new Error("not an image that this browser can read");
        }
        // A drawing without a size of its own gets one.
        const width = image.naturalWidth || 512, height = image.naturalHeight || 512;
        return {source: image, width, height, close: () => URL.revokeObjectURL(address)};
    }
}

async function isReadable(blob, {width, height}) {
    const head = new Uint8Array(await blob.slice(0, 12).arrayBuffer());
    // `every` skips the gaps.
    return signatures.some((signature) => signature.every((byte, index) => head[index] === byte))
        && blob.size <= limits.bytes && Math.max(width, height) <= limits.side && width * height <= limits.pixels;
}

const encoded = (canvas, type, quality) => new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("the canvas gave no image"))), type, quality);
});

/**
 * `{blob, name, width, height, isConverted}` of a file: its own bytes where the server reads them, else the same
 * picture as PNG, or as JPEG where the PNG would be too large. Throws if the browser cannot read it.
 */
export async function prepare(file, name) {
    const image = await decoded(file);
    try {
        if (await isReadable(file, image)) {
            return {blob: file, name, width: image.width, height: image.height, isConverted: false};
        }
        const scale = Math.min(1, longestConvertedSide / Math.max(image.width, image.height));
        const canvas = make("canvas");
        canvas.width = Math.max(1, Math.round(image.width * scale));
        canvas.height = Math.max(1, Math.round(image.height * scale));
        const context = canvas.getContext("2d");
        context.imageSmoothingQuality = "high";
        // The server lays transparent pixels on white; JPEG has none.
        context.fillStyle = "white";
        context.fillRect(0, 0, canvas.width, canvas.height);
        context.drawImage(image.source, 0, 0, canvas.width, canvas.height);
        let blob = await encoded(canvas, "image/png");
        if (blob.size > limits.bytes / 4) { blob = await encoded(canvas, "image/jpeg", 0.92); }
        return {blob, name, width: canvas.width, height: canvas.height, isConverted: true};
    } finally { image.close(); }
}

/** The image as a data URL. */
export const dataUrl = (blob) => new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(blob);
});

/**
 * Rows and columns of the tiles beside the one of the whole image: of all ways to lay them, the one whose tiles are
 * closest to squares.
 */
export function grid(tiles, width, height) {
    const count = tiles > 1 ? tiles - 1 : 1;
    let best = {rows: 1, columns: count, error: Infinity};
    for (let rows = 1; rows <= count; rows += 1) {
        if (count % rows !== 0) { continue; }
        const columns = count / rows;
        const error = Math.abs(Math.log((width / columns) / (height / rows)));
        if (error < best.error) { best = {rows, columns, error}; }
    }
    return best;
}

/**
 * Draws what the encoder of a policy gets, and says it in words. `usage` is what the server counted for this image, if
 * it has answered; `vision` is the policy's `image` of `/v1/models`.
 */
async function drawTiles(canvas, blob, vision, usage) {
    const side = vision.view_size;
    const bitmap = await createImageBitmap(blob);
    const tiles = usage?.tiles ?? (vision.max_views === 1 ? 1 : undefined);
    const {rows, columns} = grid(tiles ?? 1, bitmap.width, bitmap.height);
    canvas.width = side * columns;
    canvas.height = side * rows;
    const context = canvas.getContext("2d");
    context.fillStyle = "white";
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.imageSmoothingQuality = "high";
    // The browser scales nearly as the server does.
    context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    context.strokeStyle = "#ff00aa";
    context.lineWidth = Math.max(1, side / 128);
    for (let row = 0; row < rows && rows * columns > 1; row += 1) {
        for (let column = 0; column < columns; column += 1) {
            context.strokeRect(column * side, row * side, side, side);
        }
    }
    const size = `${bitmap.width} × ${bitmap.height} pixels`;
    bitmap.close();
    const tokens = usage?.tokens ?? (tiles === undefined ? undefined : tiles * vision.tokens_per_view);
    if (tiles === undefined) {
        return `${size}. The server decides the number of tiles of ${side} × ${
            side} pixels and says it with its answer.`;
    }
    if (tiles === 1) {
        const reading = vision.reads_text ? " Its text is read at full size and follows the tile in the prompt." : "";
        return `${size}, scaled to one tile of ${side} × ${side}: ${tokens} tokens.${reading}`;
    }
    return `${size}, cut into ${rows} × ${columns} tiles of ${side} × ${side}, and one tile of the whole image: ${
        tokens} tokens.`;
}

/** Opens the dialog that shows an image as a policy saw it. */
export async function showAsSeen(blob, name, policy, usage) {
    const dialog = byId("lens");
    const canvas = byId("lens-canvas"), words = byId("lens-words"), whole = byId("lens-whole");
    URL.revokeObjectURL(whole.src);
    whole.src = URL.createObjectURL(blob);
    whole.alt = name;
    byId("lens-name").textContent = name;
    canvas.hidden = true;
    words.textContent = "";
    dialog.showModal();
    if (!policy?.image) {
        words.textContent = policy ? `${policy.id} cannot see images.` : "The list of policies has not come yet.";
        return;
    }
    try {
        words.textContent = await drawTiles(canvas, blob, policy.image, usage);
        canvas.hidden = false;
    } catch { words.textContent = "This browser cannot show the image."; }
}
