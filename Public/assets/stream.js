// Server-sent events as the server writes them, from the body of a response.

/**
 * Yields the data of each event, parsed as JSON, until `[DONE]` or the end of the body. An event that the end cuts off
 * is dropped. Returns whether `[DONE]` came: without it the answer was cut short.
 */
export async function* events(body) {
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    let buffer = "";
    for (;;) {
        const {value, done} = await reader.read();
        if (done) { return false; }
        buffer += value;
        const frames = buffer.split(/\r?\n\r?\n/);
        buffer = frames.pop();
        for (const frame of frames) {
            const data =
                frame.split(/\r?\n/).filter((line) => line.startsWith("data:")).map((line) => line.slice(5)).join("");
            if (data.trim() === "[DONE]") { return true; }
            if (data !== "") { yield JSON.parse(data); }
        }
    }
}
