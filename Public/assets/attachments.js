// The strip of images that go with a question: dropped, pasted, picked, or taken by the camera.

import {iconButton, make, randomId} from "./dom.js";
import {prepare, requestLimits} from "./images.js";

/**
 * Manages one strip. `onError` gets a sentence for the user ("" takes it back), `onChange` is called after each
 * change.
 */
export function attachments({strip, onError, onChange}) {
    let images = [];
    let work = Promise.resolve();

    function draw() {
        for (const address of strip.querySelectorAll("img")) { URL.revokeObjectURL(address.src); }
        strip.replaceChildren(...images.map(
            (image) => make(
                "li", {class: "attachment"}, make("img", {
                    src: URL.createObjectURL(image.blob),
                    alt: image.name,
                    title: image.isConverted ? `${image.name}, converted` : image.name
                }),
                iconButton("close", `Remove ${image.name}`, () => {
                    images = images.filter((other) => other !== image);
                    draw();
                }))));
        strip.hidden = images.length === 0;
        onChange();
    }

    async function addAll(files) {
        onError("");
        for (const file of files) {
            if (images.length >= requestLimits.images) {
                return onError(`A question takes at most ${requestLimits.images} images.`);
            }
            const name = file.name || "image";
            try {
                images = [...images, {...(await prepare(file, name)), id: randomId("i")}];
            } catch { onError(`“${name}” is not an image that this browser can read.`); }
            draw();
        }
    }

    const add = (files) => {
        const list = [...files];
        work = work.then(() => addAll(list));
        return work;
    };

    return {
        add,
        count: () => images.length,
        images: () => images,
        /** Resolves once all files given so far are ready. */
        settled: () => work,
        /** Hands the images over and empties the strip. */
        take() {
            const taken = images;
            images = [];
            draw();
            return taken;
        },
        set(others) {
            images = others;
            draw();
        },
        async addSample() {
            try {
                const response = await fetch("assets/screenshot.png");
                if (!response.ok) { throw new Error(`status ${response.status}`); }
                await add([new File([await response.blob()], "screenshot.png", {type: "image/png"})]);
            } catch { onError("The sample image cannot be loaded: is the server running?"); }
        },
        /** Takes what these file inputs are given. */
        listen(inputs) {
            for (const input of Object.values(inputs)) {
                input.addEventListener("change", () => {
                    add(input.files);
                    // So that choosing the same file again is a change again.
                    input.value = "";
                });
            }
        },
    };
}
