// The form for a prompt of one's own in the ranking: its words and images, the policies that answer, and how many
// answers they draw.

import {attachments} from "./attachments.js";
import {byId, make} from "./dom.js";
import {dataUrl, requestLimits} from "./images.js";
import {allPolicies, policyNamed} from "./policies.js";
import {sampling, setting} from "./settings.js";
import {recall, remember} from "./storage.js";

const showError = (message) => {
    byId("ranking-error").textContent = message;
};

const strip = attachments({strip: byId("ranking-attached"), onError: showError, onChange: () => {}});

/** The checkboxes of the policies that a prompt of one's own is put to. */
export function drawPolicies() {
    const chosen = recall("ranked-policies", null);
    byId("ranked-policies").replaceChildren(...allPolicies().map(({id, image}) => {
        const box = make("input", {type: "checkbox", value: id});
        box.checked = chosen === null || chosen.includes(id);
        box.addEventListener("change", () => remember("ranked-policies", chosenPolicies()));
        return make("label", {class: "check"}, box, image === null ? `${id} (text only)` : id);
    }));
}

const chosenPolicies = () => [...byId("ranked-policies").querySelectorAll("input:checked")].map(({value}) => value);

const count = () => Number(byId("ranked-count").value);

/**
 * The request for answers to a prompt, `{question, images}` or `{messages}`, as the form says who answers and how
 * often. Throws with a sentence for the user.
 */
export function comparisonRequest(prompt) {
    const hasImages =
        prompt.images !== undefined || (prompt.messages ?? []).some(({content}) => Array.isArray(content));
    const models = chosenPolicies().filter((name) => !hasImages || policyNamed(name).image !== null);
    if (models.length === 0) {
        throw new Error(hasImages ? "Choose a policy that can see images." : "Choose at least one policy.");
    }
    if (models.length > count()) { throw new Error(`${models.length} policies need at least as many answers.`); }
    const {detail, ...values} = sampling();
    // The images of a dialogue carry their detail themselves.
    const options = prompt.messages ? values : {...values, detail};
    return {...prompt, ...options, models, k: count(), seed: setting("seed")};
}

/** The prompt of the form; undefined, with a sentence below it, if it is not complete. */
async function writtenPrompt() {
    const question = byId("ranking-question").value.trim();
    if (question === "") {
        showError("Write a prompt first.");
        byId("ranking-question").focus();
        return undefined;
    }
    await strip.settled();
    const blobs = strip.images().map(({blob}) => blob);
    if (blobs.reduce((sum, {size}) => sum + size, 0) > requestLimits.bytes) {
        showError("The images are together too large.");
        return undefined;
    }
    showError("");
    const images = await Promise.all(blobs.map(dataUrl));
    return images.length > 0 ? {question, images} : {question};
}

/** The place for files that are dropped or pasted while the form is open. */
export const addPromptFiles = (files) => strip.add(files);

/** `onPrompt` gets a prompt that is complete. */
export function preparePrompt(onPrompt) {
    byId("own-prompt").addEventListener("submit", async (event) => {
        event.preventDefault();
        const prompt = await writtenPrompt();
        if (prompt) { onPrompt(prompt); }
    });
    byId("ranked-count").value = recall("ranked-count", "4");
    byId("ranked-count").addEventListener("change", () => remember("ranked-count", byId("ranked-count").value));
    strip.listen({file: byId("ranking-file"), camera: byId("ranking-camera")});
}
