// The composer: a question with its images, sent or stopped by one button.

import {answer} from "./answering.js";
import {attachments} from "./attachments.js";
import {byId, icon, randomId} from "./dom.js";
import {closeHistory} from "./history.js";
import {currentPolicy, isShipped, whenPoliciesChange} from "./policies.js";
import {session, whenSessionChanges} from "./session.js";
import {loadImage, saveImage} from "./storage.js";
import * as tree from "./tree.js";

const question = byId("question");
/** The question that is being edited. */
let edited = null;
const strip = attachments({strip: byId("attached"), onError: showError, onChange: fitToPolicy});

function showError(message) {
    byId("composer-error").textContent = message;
    byId("composer-error").hidden = message === "";
}

async function submit() {
    if (session.running) { return; }
    const text = question.value.trim();
    if (text === "") {
        showError("Write a question first.");
        question.focus();
        return;
    }
    await strip.settled();
    showError("");
    const images = strip.take();
    const kept = images.map(({id, name, width, height}) => ({id, name, width, height}));
    for (const {id, blob} of images) { await saveImage({id, conversation: session.conversation.id, blob}); }
    const parent = edited ? edited.parent : parentOfNext();
    const node = tree.add(session.conversation, parent, {role: "user", text, images: kept, created: Date.now()});
    if (session.conversation.title === "") { session.conversation.title = text.slice(0, 80); }
    stopEditing();
    question.value = "";
    fitQuestion();
    await answer(node);
}

/** Below the last answer; beside the last question if that has no answer, because a dialogue alternates. */
function parentOfNext() {
    const last = tree.path(session.conversation).at(-1);
    if (!last) { return null; }
    if (last.role === "user") { return last.parent; }
    return last.text === "" ? session.conversation.nodes[last.parent].parent : last.id;
}

/** A policy without eyes takes no images, and the page says what the shipped ones know. */
function fitToPolicy() {
    const policy = currentPolicy();
    byId("knows").hidden = !isShipped(policy);
    const isBlind = policy !== undefined && policy.image === null;
    const hasImages = strip.count() > 0 || tree.path(session.conversation).some(({images}) => images?.length > 0);
    byId("blind").textContent = isBlind && hasImages ? `${policy.id} cannot see images.` : "";
}

function fitQuestion() {
    question.style.height = "auto";
    question.style.height = `${Math.min(question.scrollHeight + 2, 220)}px`;
}

/** One button sends and stops, so that the focus stays where it is. */
function renderRunning() {
    const button = byId("send");
    const {running} = session;
    const label = running ? "Stop" : "Send";
    button.setAttribute("aria-label", label);
    button.title = running ? "Stop (Esc)" : "Send (Enter)";
    button.classList.toggle("stopping", Boolean(running));
    button.replaceChildren(icon(running ? "stop" : "send"));
}

/** Puts an earlier question into the composer; sending it makes a new version. */
export async function edit(node) {
    if (session.running) { return; }
    edited = node;
    question.value = node.text;
    fitQuestion();
    const images = [];
    for (const image of node.images) {
        const blob = await loadImage(image.id);
        if (blob) { images.push({...image, id: randomId("i"), blob}); }
    }
    strip.set(images);
    byId("editing").hidden = false;
    question.focus();
}

function stopEditing() {
    edited = null;
    byId("editing").hidden = true;
}

/** The place for files that are dropped or pasted while this panel is open. */
export const addFiles = (files) => strip.add(files);

export function prepareComposer() {
    byId("composer").addEventListener("submit", (event) => {
        event.preventDefault();
        if (session.running) {
            session.running.controller.abort();
        } else {
            submit();
        }
    });
    question.addEventListener("input", fitQuestion);
    question.addEventListener("keydown", (event) => {
        if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
            event.preventDefault();
            if (!session.running) { submit(); }
        }
    });
    byId("cancel-edit").addEventListener("click", () => {
        stopEditing();
        strip.set([]);
        question.value = "";
        fitQuestion();
        question.focus();
    });
    strip.listen({file: byId("file"), camera: byId("camera")});
    for (const chip of document.querySelectorAll("[data-question]")) {
        chip.addEventListener("click", async () => {
            question.value = chip.textContent;
            if (chip.dataset.question === "image" && strip.count() === 0) { await strip.addSample(); }
            submit();
        });
    }
    byId("use-sample").addEventListener("click", async () => {
        await strip.addSample();
        question.focus();
    });
    document.addEventListener("keydown", (event) => {
        if (event.key !== "Escape" || document.querySelector("dialog[open]")) { return; }
        if (closeHistory()) { return; }
        if (edited) {
            byId("cancel-edit").click();
        } else {
            session.running?.controller.abort();
        }
    });
    whenPoliciesChange(fitToPolicy);
    whenSessionChanges(() => {
        if (edited && !session.conversation.nodes[edited.id]) { stopEditing(); }
        renderRunning();
        fitToPolicy();
    });
}
