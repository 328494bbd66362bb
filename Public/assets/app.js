// One page: an image and a question go to /v1/ask, the answer comes back as server-sent events.

const element = (id) => document.getElementById(id);
const file = element("file"), drop = element("drop"), preview = element("preview"), question = element("question");
const answer = element("answer"), status = element("status"), error = element("error"), model = element("model");

/** What the server reads, and how large; other pictures are converted, to no more pixels than an encoder can use. */
const signatures = [[137, 80, 78, 71, 13, 10, 26, 10], [255, 216, 255]];
const limits = { bytes: 10 * 2 ** 20, side: 8192, pixels: 2 ** 24 };
const longestConvertedSide = 2048;
/** The policies whose knowledge the page describes. */
const shipped = ["ppo", "sft"];

/** What `/v1/models` lists, the default policy first. */
let policies = [];
let picture = null;
let choice = 0;
let running = null;

function showError(message) {
    error.textContent = message;
    error.hidden = message === "";
}

// The key

const key = element("key");
/** For as long as the tab is open; the server never sets anything. */
key.value = sessionStorage.getItem("key") ?? "";

/** Fetches with the key if there is one, and asks for one where the server does. */
async function fetchWithKey(path, options = {}) {
    const headers = { ...options.headers, ...(key.value === "" ? {} : { Authorization: `Bearer ${key.value}` }) };
    const response = await fetch(path, { ...options, headers });
    if (response.status === 401 && element("key-row").hidden) {
        element("key-row").hidden = false;
        key.focus();
    }
    return response;
}

key.addEventListener("change", () => {
    key.value = key.value.trim();
    sessionStorage.setItem("key", key.value);
    showError("");
    listPolicies();
});

// The picture

async function isReadable(blob, { width, height }) {
    const head = new Uint8Array(await blob.slice(0, 8).arrayBuffer());
    return signatures.some((signature) => signature.every((byte, index) => head[index] === byte))
        && blob.size <= limits.bytes && Math.max(width, height) <= limits.side && width * height <= limits.pixels;
}

/** The file itself where the server reads it, else a PNG of the same picture. */
async function readable(blob) {
    const bitmap = await createImageBitmap(blob);
    if (await isReadable(blob, bitmap)) {
        bitmap.close();
        return blob;
    }
    const scale = Math.min(1, longestConvertedSide / Math.max(bitmap.width, bitmap.height));
    const canvas = document.createElement("canvas");
    canvas.width = Math.max(1, Math.round(bitmap.width * scale));
    canvas.height = Math.max(1, Math.round(bitmap.height * scale));
    canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    bitmap.close();
    return new Promise((resolve, reject) => {
        canvas.toBlob((png) => (png ? resolve(png) : reject(new Error("no PNG from canvas"))), "image/png");
    });
}

async function choose(blob, name) {
    choice += 1;
    const mine = choice;
    showError("");
    try {
        const image = await readable(blob);
        // A later choice, perhaps of a smaller picture, may have overtaken this one.
        if (mine === choice) { show(image, name, image !== blob); }
    } catch {
        if (mine === choice) { showError(`“${name}” is not an image that this browser can read.`); }
    }
}

function show(image, name, converted) {
    picture = image;
    URL.revokeObjectURL(preview.src);
    if (image) {
        preview.src = URL.createObjectURL(image);
    } else {
        preview.removeAttribute("src");
    }
    preview.hidden = !image;
    element("hint").hidden = Boolean(image);
    element("remove").hidden = !image;
    element("caption").textContent = image ? `${name}${converted ? ", converted to PNG" : ""}` : "";
    showView();
}

/** The policy that is chosen; undefined while the list is not there. */
const policy = () => policies.find(({ id }) => id === model.value) ?? policies[0];

/** Draws the image as the chosen policy's encoder gets it: stretched to the size of a view. The browser scales nearly as
    the server does. */
async function showView() {
    const image = picture, size = policy()?.image?.view_size;
    element("knows").hidden = !shipped.includes(policy()?.id);
    element("seen").hidden = true;
    if (!image || !policy()) { return; }
    if (!size) {
        element("caption").textContent = `${policy().id} cannot see images.`;
        return;
    }
    const bitmap = await createImageBitmap(image);
    if (image !== picture) { return; }
    const view = element("view");
    [view.width, view.height] = [size, size];
    const context = view.getContext("2d");
    context.fillStyle = "white";
    context.fillRect(0, 0, size, size);
    context.imageSmoothingQuality = "high";
    context.drawImage(bitmap, 0, 0, size, size);
    const isScaled = bitmap.width !== size || bitmap.height !== size;
    element("view-size").textContent = "As the model sees it: "
        + (isScaled ? `${bitmap.width} × ${bitmap.height} pixels become ` : "") + `${size} × ${size}${isScaled ? "" : " pixels"}.`;
    bitmap.close();
    element("seen").hidden = false;
}

model.addEventListener("change", showView);

preview.addEventListener("error", () => {
    const name = element("caption").textContent;
    show(null, "", false);
    showError(`“${name}” is damaged: this browser cannot show it.`);
});
file.addEventListener("change", () => {
    if (file.files.length > 0) { choose(file.files[0], file.files[0].name); }
    // So that choosing the same file again is a change again.
    file.value = "";
});
element("remove").addEventListener("click", () => {
    choice += 1;
    show(null, "", false);
    element("sample").focus();
});
async function chooseSample() {
    try {
        const response = await fetch("assets/sample.png");
        if (!response.ok) { throw new Error(`status ${response.status}`); }
        await choose(await response.blob(), "sample.png");
    } catch {
        showError("The sample image cannot be loaded: is the server running?");
    }
}
element("sample").addEventListener("click", async () => {
    await chooseSample();
    if (question.value === "") { question.value = question.placeholder; }
});
for (const chip of document.querySelectorAll(".chip")) {
    chip.addEventListener("click", async () => {
        question.value = chip.textContent;
        if ("image" in chip.dataset && !picture) { await chooseSample(); }
        element("form").requestSubmit();
    });
}
document.addEventListener("dragover", (event) => {
    event.preventDefault();
    drop.classList.add("over");
});
document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) { drop.classList.remove("over"); }
});
document.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    const dropped = event.dataTransfer.files[0];
    if (dropped) { choose(dropped, dropped.name); }
});
document.addEventListener("paste", (event) => {
    const pasted = event.clipboardData.files[0];
    if (pasted) { choose(pasted, "pasted image"); }
});

// The answer

/** Yields `{name, data}` for each event of a `text/event-stream` body; one cut off by its end is dropped. */
async function* events(body) {
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    let buffer = "";
    for (;;) {
        const { value, done } = await reader.read();
        if (done) { return; }
        buffer += value;
        const frames = buffer.split(/\r?\n\r?\n/);
        buffer = frames.pop();
        for (const frame of frames) {
            const event = { name: "message", data: "" };
            for (const line of frame.split(/\r?\n/)) {
                if (line.startsWith("event:")) { event.name = line.slice(6).trim(); }
                if (line.startsWith("data:")) { event.data += line.slice(5); }
            }
            if (event.data !== "") { yield { name: event.name, data: JSON.parse(event.data) }; }
        }
    }
}

async function refusal(response) {
    try {
        return (await response.json()).error.message;
    } catch {
        return `The server answered with status ${response.status}.`;
    }
}

function summary(done) {
    const seconds = (milliseconds) => `${(milliseconds / 1000).toFixed(2)} s`;
    const tokens = done.usage?.completion_tokens;
    const parts = [];
    if (done.finish_reason === "length") { parts.push("stopped at the length limit"); }
    if (tokens !== undefined) { parts.push(`${tokens} ${tokens === 1 ? "token" : "tokens"}`); }
    if (done.timing) {
        parts.push(`first after ${seconds(done.timing.first_token_ms)}`, `all after ${seconds(done.timing.total_ms)}`);
    }
    return parts.join(" · ");
}

async function ask(signal) {
    const form = new FormData();
    form.append("question", question.value);
    if (picture) { form.append("image", picture, "image"); }
    if (model.value) { form.append("model", model.value); }
    const response = await fetchWithKey("v1/ask", {
        method: "POST", body: form, headers: { Accept: "text/event-stream" }, signal,
    });
    if (!response.ok) {
        showError(await refusal(response));
        return;
    }
    for await (const { name, data } of events(response.body)) {
        if (name === "start") {
            status.textContent = `${data.model} is answering…`;
            // Once more: the chosen image may have moved it.
            scrollToAnswer();
        }
        if (name === "text") { answer.append(data.text); }
        if (name === "error") {
            showError(data.error.message);
            return;
        }
        if (name === "done") {
            status.textContent = summary(data);
            return;
        }
    }
    showError("The answer was cut short: the connection ended early.");
}

/** On a phone the answer begins below what is visible. */
function scrollToAnswer() {
    const isNarrow = matchMedia("(max-width: 40rem)").matches;
    element("answer-section").scrollIntoView({ block: isNarrow ? "start" : "nearest" });
}

function setRunning(controller) {
    running = controller;
    // Disabled buttons would lose the focus.
    element("ask").setAttribute("aria-disabled", String(Boolean(controller)));
    element("cancel").setAttribute("aria-disabled", String(!controller));
    answer.setAttribute("aria-busy", String(Boolean(controller)));
}

element("form").addEventListener("submit", async (event) => {
    event.preventDefault();
    if (running) { return; }
    const controller = new AbortController();
    setRunning(controller);
    answer.textContent = "";
    status.textContent = "Waiting for the first word…";
    scrollToAnswer();
    showError("");
    try {
        await ask(controller.signal);
    } catch {
        if (!controller.signal.aborted) { showError("The server cannot be reached, or the connection broke."); }
    }
    if (controller.signal.aborted) { status.textContent = "Stopped."; }
    if (!error.hidden) { status.textContent = ""; }
    setRunning(null);
});
element("cancel").addEventListener("click", () => running?.abort());
question.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        element("form").requestSubmit();
    }
});
document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") { running?.abort(); }
});

// The policies

async function listPolicies() {
    try {
        const response = await fetchWithKey("v1/models");
        if (!response.ok) {
            // Who has not typed a key yet sees that one is asked for.
            if (key.value !== "") { showError(await refusal(response)); }
            return;
        }
        const chosen = model.value;
        model.replaceChildren(model.options[0]);
        policies = (await response.json()).data;
        for (const { id } of policies) { model.append(new Option(id, id, false, id === chosen)); }
        showView();
    } catch {
        showError("The list of policies cannot be loaded: is the server running?");
    }
}

listPolicies();
