// The conversation: composing a question with images, streaming the answer, versions, and the list of earlier
// conversations.

import {policyOf, send} from "./api.js";
import {attachments} from "./attachments.js";
import {announce, byId, copyText, icon, iconButton, make, notify, randomId} from "./dom.js";
import {askPerson, feedbackRefusal, store, takeBack} from "./feedback.js";
import {dataUrl, requestLimits, showAsSeen} from "./images.js";
import {render} from "./markdown.js";
import {currentPolicy, isShipped, policyNamed, whenPoliciesChange} from "./policies.js";
import {sampling, setting} from "./settings.js";
import {deleteAllConversations, deleteConversation, loadConversations, loadImage, prune, recall, remember, saveConversation, saveImage,} from "./storage.js";
import {events} from "./stream.js";
import * as tree from "./tree.js";

/** All conversations that the browser keeps, the newest first. */
let conversations = [];
let conversation = tree.newConversation();
/** The answer that is being written: `{node, conversation, controller}`. */
let running = null;
/** The question that the composer edits. */
let edited = null;
/** Called with the messages of a dialogue that is to be ranked. */
let onCompare = () => {};

const question = byId("question");
const strip = attachments({strip: byId("attached"), onError: showError, onChange: fitToPolicy});

// Asking

function showError(message) {
    byId("composer-error").textContent = message;
    byId("composer-error").hidden = message === "";
}

/** Whether the server keeps feedback; thumbs appear only then. */
let hasFeedback = false;

async function submit() {
    if (running) { return; }
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
    for (const {id, blob} of images) { await saveImage({id, conversation: conversation.id, blob}); }
    const parent = edited ? edited.parent : parentOfNext();
    const node = tree.add(conversation, parent, {role: "user", text, images: kept, created: Date.now()});
    if (conversation.title === "") { conversation.title = text.slice(0, 80); }
    stopEditing();
    question.value = "";
    fitQuestion();
    await answer(node);
}

/** Below the last answer; beside the last question if that has no answer, because a dialogue alternates. */
function parentOfNext() {
    const last = tree.path(conversation).at(-1);
    if (!last) { return null; }
    if (last.role === "user") { return last.parent; }
    return last.text === "" ? conversation.nodes[last.parent].parent : last.id;
}

/** The messages of a dialogue for the server, down to a node. */
async function messages(conversation, node) {
    const result = [];
    let images = 0, bytes = 0;
    for (const {role, text, images: kept} of tree.pathTo(conversation, node)) {
        if (role !== "user" || kept.length === 0) {
            result.push({role, content: text});
            continue;
        }
        const parts = [];
        for (const {id, name} of kept) {
            const blob = await loadImage(id);
            if (!blob) { throw new Error(`The image “${name}” is no longer in this browser.`); }
            images += 1;
            bytes += blob.size;
            const part = {type: "image_url", image_url: {url: await dataUrl(blob)}};
            if (setting("detail")) { part.image_url.detail = setting("detail"); }
            parts.push(part);
        }
        result.push({role, content: [...parts, {type: "text", text}]});
    }
    if (images > requestLimits.images) {
        throw new Error(`This conversation has ${images} images; the server takes ${
            requestLimits.images} at once. Begin a new one.`);
    }
    if (bytes > requestLimits.bytes) {
        throw new Error("The images of this conversation are together too large. Begin a new one.");
    }
    return result;
}

/** The body of a chat request. Each answer names its seed, so that it can be drawn again. */
async function request(conversation, node, policy, version) {
    const {detail, ...values} = sampling();
    const hasImages = tree.pathTo(conversation, node).some(({images}) => images?.length > 0);
    const defaults = hasImages ? policy?.defaults : policy?.text_defaults ?? policy?.defaults;
    // A second answer at temperature 0 would be the first one again.
    if (values.temperature === undefined && defaults?.temperature === 0 && (version > 0 || setting("best_of") > 1)) {
        values.temperature = 1;
    }
    const seed =
        setting("seed") === undefined ? crypto.getRandomValues(new Uint32Array(1))[0] : setting("seed") + version;
    return {model: policy?.id, messages: await messages(conversation, node), ...values, seed};
}

/** Writes a new answer to a question. */
async function answer(userNode) {
    const policy = currentPolicy(), mine = conversation;
    const version = (mine.children[userNode.id] ?? []).length;
    const node = tree.add(mine, userNode.id, {
        role: "assistant",
        text: "",
        status: "running",
        model: policy?.id,
        created: Date.now(),
    });
    const controller = new AbortController();
    running = {node, conversation: mine, controller};
    renderRunning();
    await keep(mine);
    show({isFollowing: true});
    const started = performance.now();
    try {
        const json = await request(mine, userNode, policy, version);
        node.seed = json.seed;
        if (json.temperature !== undefined) { node.temperature = json.temperature; }
        if (setting("best_of") > 1) {
            await drawBest(node, json, controller.signal);
        } else {
            await stream(node, json, controller.signal, started);
        }
    } catch (error) {
        if (controller.signal.aborted) {
            node.status = "stopped";
            announce("Stopped.");
        } else {
            node.status = "failed";
            node.error = error.message;
        }
    }
    node.totalMs = performance.now() - started;
    running = null;
    renderRunning();
    await keep(mine);
    show({isFollowing: true});
}

async function stream(node, json, signal, started) {
    const response = await send("v1/chat/completions", {
        method: "POST",
        json: {...json, stream: true, stream_options: {include_usage: true}},
        signal,
    });
    Object.assign(node, policyOf(response));
    const speech = speaker();
    let last = 0;
    const frames = events(response.body);
    for (;;) {
        const {value, done} = await frames.next();
        if (done) {
            if (!value) { throw new Error("The answer was cut short: the connection ended early."); }
            break;
        }
        if (value.error) { throw new Error(value.error.message); }
        const choice = value.choices[0];
        if (choice?.delta.content) {
            node.text += choice.delta.content;
            last = performance.now();
            node.firstMs ??= last - started;
            speech.add(choice.delta.content);
            paint(node);
        }
        if (choice?.finish_reason) { node.finish = choice.finish_reason; }
        if (value.usage) { record(node, value.usage); }
    }
    if (node.tokens > 1 && last - started > node.firstMs) {
        node.rate = (node.tokens - 1) / ((last - started - node.firstMs) / 1000);
    }
    speech.finish();
    node.status = "done";
}

function record(node, usage) {
    node.tokens = usage.completion_tokens;
    node.promptTokens = usage.prompt_tokens;
    node.cachedTokens = usage.prompt_tokens_details?.cached_tokens;
    node.seen = usage.prompt_tokens_details?.images;
}

/** Draws several answers and takes the one that the reward model prefers. */
async function drawBest(node, json, signal) {
    const response =
        await send("v1/chat/completions", {method: "POST", json: {...json, n: setting("best_of")}, signal});
    Object.assign(node, policyOf(response));
    const drawn = await response.json();
    const answers = drawn.choices.map(({message}) => message.content);
    const scores = await send("v1/reward", {method: "POST", json: {messages: json.messages, answers}, signal});
    const {data} = await scores.json();
    const best = data.reduce((best, entry) => (entry.reward > best.reward ? entry : best));
    record(node, drawn.usage);
    node.text = answers[best.index];
    node.finish = drawn.choices[best.index].finish_reason;
    node.bestOf = {count: answers.length, reward: best.reward};
    node.status = "done";
    announce(node.text);
}

/** Tells a screen reader whole sentences, each once, while the answer grows. */
function speaker() {
    let waiting = "";
    return {
        add(text) {
            waiting += text;
            const end = Math.max(...[". ", "! ", "? ", "\n"].map((mark) => waiting.lastIndexOf(mark)));
            if (end > 0) {
                announce(waiting.slice(0, end + 1).trim());
                waiting = waiting.slice(end + 1);
            }
        },
        finish() {
            if (waiting.trim() !== "") { announce(waiting.trim()); }
        },
    };
}

async function keep(changed) {
    changed.updated = Date.now();
    if (!conversations.includes(changed)) { conversations.unshift(changed); }
    conversations.sort((one, other) => other.updated - one.updated);
    try {
        await saveConversation(structuredClone(changed));
    } catch { notify("The browser's storage is full: this conversation lasts as long as the page."); }
    renderHistory();
}

// Showing

const articles = new Map();
let isPaintWaiting = false;

/** Draws the growing answer with the next frame. */
function paint(node) {
    if (isPaintWaiting) { return; }
    isPaintWaiting = true;
    requestAnimationFrame(() => {
        isPaintWaiting = false;
        const article = articles.get(node.id)?.article;
        if (!article?.isConnected || node.status !== "running") { return; }
        const isFollowing = isAtEnd();
        article.querySelector(".text").replaceChildren(render(node.text));
        article.querySelector(".meta").textContent = "";
        if (isFollowing) { scrollToEnd(); }
    });
}

const scroller = byId("messages");
const isAtEnd = () => scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 80;
const scrollToEnd = () => {
    scroller.scrollTop = scroller.scrollHeight;
};

/** Draws the path that is chosen; articles that have not changed stay as they are. */
function show({isFollowing = false} = {}) {
    const nodes = tree.path(conversation);
    byId("welcome").hidden = nodes.length > 0;
    const focused = focusKey();
    const list = byId("thread");
    const wanted = nodes.map((node) => articleOf(node));
    for (const child of [...list.children]) {
        if (!wanted.includes(child)) { child.remove(); }
    }
    wanted.forEach((article, index) => {
        if (list.children[index] !== article) { list.insertBefore(article, list.children[index] ?? null); }
    });
    for (const id of articles.keys()) {
        if (!conversation.nodes[id]) { articles.delete(id); }
    }
    restoreFocus(focused);
    if (isFollowing) { scrollToEnd(); }
    fitToPolicy();
}

/** Which button of which message has the focus, for when it is drawn again. */
function focusKey() {
    const button = document.activeElement?.closest("[data-action]");
    const article = button?.closest("article");
    return article ? {action: button.dataset.action, index: [...article.parentNode.children].indexOf(article)} : null;
}

function restoreFocus(key) {
    if (!key || document.activeElement?.isConnected && document.activeElement !== document.body) { return; }
    const article = byId("thread").children[Math.min(key.index, byId("thread").children.length - 1)];
    (article?.querySelector(`[data-action="${key.action}"]:not([disabled])`) ?? question).focus();
}

function articleOf(node) {
    const versions = tree.versions(conversation, node);
    const signature = JSON.stringify([
        node,
        versions.length,
        versions.indexOf(node),
        hasFeedback,
        node.status === "running",
        seenOf(node),
    ]);
    const known = articles.get(node.id);
    if (known?.signature === signature) { return known.article; }
    const article = node.role === "user" ? questionArticle(node, versions) : answerArticle(node, versions);
    articles.set(node.id, {article, signature});
    return article;
}

/** The answer to a question that is shown. */
const answerTo = (node) => conversation.nodes[conversation.chosen[node.id]];

/** What the server counted for the images of a question: its answer lists those of the whole dialogue in order. */
function seenOf(node) {
    if (node.role !== "user" || node.images.length === 0) { return undefined; }
    const before = tree.pathTo(conversation, node).slice(0, -1).flatMap(({images}) => images ?? []).length;
    return answerTo(node)?.seen?.slice(before, before + node.images.length);
}

function questionArticle(node, versions) {
    const pictures =
        make("div", {class: "pictures"}, ...node.images.map((image, index) => picture(node, image, index)));
    const isOnlyRoot = node.parent === "" && versions.length === 1;
    return make(
        "article", {class: "message question", "aria-label": "Your question"}, node.images.length > 0 ? pictures : null,
        make("div", {class: "text plain", text: node.text}),
        make(
            "div", {class: "actions"}, ...versionButtons(node, versions),
            action("edit", "Edit the question", () => edit(node)),
            action("copy", "Copy the question", () => copy(node)),
            action(
                "remove", isOnlyRoot ? "Delete the conversation" : "Delete the question and what follows",
                () => removeNode(node))));
}

function picture(node, {id, name}, index) {
    const image = make("img", {alt: ""});
    loadImage(id).then((blob) => {
        if (blob) { image.src = URL.createObjectURL(blob); }
    });
    image.addEventListener("load", () => URL.revokeObjectURL(image.src));
    const label = `${name}: the image as the model saw it`;
    return make(
        "button", {
            type: "button",
            class: "picture",
            "aria-label": label,
            title: label,
            data: {action: `picture${index}`},
            on: {
                click: async () => {
                    const blob = await loadImage(id);
                    if (!blob) { return notify("This image is no longer in the browser."); }
                    showAsSeen(
                        blob, name, policyNamed(answerTo(node)?.model) ?? currentPolicy(), seenOf(node)?.[index]);
                },
            },
        },
        image);
}

function answerArticle(node, versions) {
    const text = make("div", {class: "text"}, render(node.text));
    const article = make(
        "article",
        {class: "message answer", "aria-label": "Answer", "aria-busy": node.status === "running" ? "true" : null},
        text);
    if (node.status === "running") {
        article.append(make("p", {class: "meta", text: `${node.model ?? "The server"} is answering…`}));
        return article;
    }
    if (node.status === "failed") { article.append(make("p", {class: "error", role: "alert", text: node.error})); }
    const details = meta(node);
    if (details) { article.append(make("p", {class: "meta", text: details})); }
    const actions = make("div", {class: "actions"}, ...versionButtons(node, versions));
    if (node.text !== "") { actions.append(action("copy", "Copy the answer", () => copy(node))); }
    actions.append(action("again", node.text === "" ? "Try again" : "Another answer", () => regenerate(node)));
    if (hasFeedback && node.text !== "") {
        actions.append(thumb(node, "up", "A good answer"), thumb(node, "down", "A bad answer"));
        actions.append(action("compare", "Rank several answers to this question", () => compare(node)));
    }
    if (versions.length > 1) { actions.append(action("remove", "Delete this version", () => removeNode(node))); }
    article.append(actions);
    if (node.thumb) { article.append(thumbForm(node)); }
    return article;
}

function meta(node) {
    const parts = [];
    if (node.model) { parts.push(node.generation === undefined ? node.model : `${node.model} ${node.generation}`); }
    if (node.status === "stopped") { parts.push("stopped"); }
    if (node.status === "interrupted") { parts.push("interrupted"); }
    if (node.finish === "length") { parts.push("ended at the token limit"); }
    if (node.bestOf) { parts.push(`best of ${node.bestOf.count}, reward ${node.bestOf.reward.toFixed(2)}`); }
    if (node.firstMs !== undefined) { parts.push(`first token after ${duration(node.firstMs)}`); }
    if (node.tokens !== undefined) { parts.push(`${node.tokens} ${node.tokens === 1 ? "token" : "tokens"}`); }
    if (node.rate) { parts.push(`${node.rate.toFixed(node.rate < 10 ? 1 : 0)} tokens/s`); }
    if (node.temperature !== undefined) { parts.push(`temperature ${node.temperature}`); }
    return parts.join(" · ");
}

const duration = (milliseconds) =>
    (milliseconds < 1000 ? `${Math.round(milliseconds)} ms` : `${(milliseconds / 1000).toFixed(1)} s`);

const action = (name, label, onClick, attributes = {}) =>
    iconButton(name, label, onClick, {data: {action: name}, ...attributes});

function versionButtons(node, versions) {
    if (versions.length < 2) { return []; }
    const index = versions.indexOf(node);
    const go = (step) => {
        tree.choose(conversation, versions[index + step]);
        keep(conversation);
        show();
        announce(`Version ${index + step + 1} of ${versions.length}.`);
    };
    return [
        action("previous", "Previous version", () => go(-1), {disabled: index === 0 || Boolean(running)}),
        make("span", {class: "version", text: `${index + 1}/${versions.length}`}),
        action("next", "Next version", () => go(1), {disabled: index === versions.length - 1 || Boolean(running)}),
    ];
}

async function copy(node) {
    try {
        await copyText(node.text);
        notify("Copied.");
    } catch { notify("The browser does not allow copying here."); }
}

async function edit(node) {
    if (running) { return; }
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

async function regenerate(node) {
    if (!running) { await answer(conversation.nodes[node.parent]); }
}

async function removeNode(node) {
    if (running) { return; }
    const before = structuredClone(conversation);
    tree.remove(conversation, node);
    if (tree.path(conversation).length === 0) {
        removeConversation(before);
        return;
    }
    await keep(conversation);
    show();
    notify("Deleted.", "Undo", async () => {
        await keep(replace(before));
        show();
    });
}

/** Puts an earlier state of a conversation in its place. */
function replace(before) {
    conversations = conversations.filter(({id}) => id !== before.id);
    if (conversation.id === before.id) { conversation = before; }
    return before;
}

// Thumbs

function thumb(node, direction, label) {
    const isPressed = node.thumb?.direction === direction;
    const drawing = direction === "up" ? "up" : "down";
    return action(
        drawing, label, () => judge(node, isPressed ? null : direction),
        {"aria-pressed": String(isPressed), disabled: node.isJudging});
}

/** Stores a thumb, with the words of its form; null takes it back. */
async function judge(node, direction, words = {}) {
    const mine = conversation;
    if (node.isJudging || !(await askPerson())) { return; }
    node.isJudging = true;
    show();
    try {
        if (node.thumb) { await takeBack(node.thumb.id); }
        delete node.thumb;
        if (direction) {
            const {id} = await store({
                thumb: direction,
                messages: await messages(mine, mine.nodes[node.parent]),
                answer: node.text,
                model: node.model,
                generation: node.generation,
                seed: node.seed,
                ...words,
            });
            node.thumb = {id, direction, ...words};
        }
        announce(direction ? "Thank you, stored." : "Taken back.");
    } catch (error) { notify(error.message); }
    delete node.isJudging;
    await keep(mine);
    show();
}

/** What a thumb can say in words. */
function thumbForm(node) {
    const said = Boolean(node.thumb.better || node.thumb.comment);
    const better = make("textarea", {rows: "2", maxlength: "4000"});
    const comment = make("input", {type: "text", maxlength: "4000"});
    better.value = node.thumb.better ?? "";
    comment.value = node.thumb.comment ?? "";
    const words = () => Object.fromEntries(
        [["better", better.value.trim()], ["comment", comment.value.trim()]].filter(([, text]) => text !== ""));
    return make(
        "details", {class: "more", open: node.thumb.direction === "down" && !said},
        make("summary", {text: said ? "Your words are stored" : "Say more"}),
        make(
            "form", {
                class: "column",
                on: {
                    submit: (event) => {
                        event.preventDefault();
                        judge(node, node.thumb.direction, words());
                    }
                }
            },
            make("label", {}, "A better answer", better), make("label", {}, "Comment", comment),
            make("div", {class: "row"}, make("button", {type: "submit", text: "Store"}))));
}

async function compare(node) {
    try {
        onCompare(await messages(conversation, conversation.nodes[node.parent]));
    } catch (error) { notify(error.message); }
}

// The list of conversations

function renderHistory() {
    const items = conversations.map(
        (entry) => make(
            "li", {class: "entry"}, make("button", {
                type: "button",
                class: "title",
                text: entry.title || "Untitled",
                "aria-current": entry.id === conversation.id ? "true" : null,
                on: {click: () => open(entry)},
            }),
            iconButton("remove", `Delete “${entry.title}”`, () => removeConversation(entry))));
    byId("history-list").replaceChildren(...items);
    byId("history-empty").hidden = items.length > 0;
    byId("delete-all").hidden = items.length === 0;
}

function open(entry) {
    if (running && running.conversation !== entry) { running.controller.abort(); }
    conversation = entry;
    articles.clear();
    stopEditing();
    remember("conversation", entry.id);
    showHistory(false);
    renderHistory();
    show({isFollowing: true});
}

function begin() {
    open(tree.newConversation());
    question.focus();
}

function removeConversation(entry) {
    if (running?.conversation === entry) { running.controller.abort(); }
    conversations = conversations.filter(({id}) => id !== entry.id);
    if (conversation.id === entry.id) { begin(); }
    renderHistory();
    // The browser deletes at once; undo writes it again, so its images are read first.
    const images = Promise.all(Object.values(entry.nodes)
                                   .flatMap(({images}) => images ?? [])
                                   .map(async ({id}) => ({id, conversation: entry.id, blob: await loadImage(id)})));
    const deleted = images.then(() => deleteConversation(entry.id));
    notify("The conversation is deleted.", "Undo", async () => {
        await deleted;
        for (const image of await images) {
            if (image.blob) { await saveImage(image); }
        }
        await keep(entry);
        open(entry);
    });
}

function showHistory(isOpen) {
    document.body.classList.toggle("history-open", isOpen);
    byId("history-toggle").setAttribute("aria-expanded", String(isOpen));
}

function prepareHistory() {
    byId("history-toggle").addEventListener("click", () => {
        const isOpen = !document.body.classList.contains("history-open");
        showHistory(isOpen);
        if (isOpen) { byId("new-conversation").focus(); }
    });
    byId("history-shade").addEventListener("click", () => showHistory(false));
    byId("new-conversation").addEventListener("click", begin);
    byId("delete-all").addEventListener("click", () => byId("confirm-delete").showModal());
    byId("delete-all-now").addEventListener("click", async () => {
        running?.controller.abort();
        await deleteAllConversations();
        conversations = [];
        begin();
    });
}

// The composer

/** A policy without eyes takes no images, and the page says what the shipped ones know. */
function fitToPolicy() {
    const policy = currentPolicy();
    byId("knows").hidden = !isShipped(policy);
    const isBlind = policy !== undefined && policy.image === null;
    const hasImages = strip.count() > 0 || tree.path(conversation).some(({images}) => images?.length > 0);
    byId("blind").textContent = isBlind && hasImages ? `${policy.id} cannot see images.` : "";
}

function fitQuestion() {
    question.style.height = "auto";
    question.style.height = `${Math.min(question.scrollHeight + 2, 220)}px`;
}

/** One button sends and stops, so that the focus stays where it is. */
function renderRunning() {
    const button = byId("send");
    const label = running ? "Stop" : "Send";
    button.setAttribute("aria-label", label);
    button.title = running ? "Stop (Esc)" : "Send (Enter)";
    button.classList.toggle("stopping", Boolean(running));
    button.replaceChildren(icon(running ? "stop" : "send"));
}

function prepareComposer() {
    byId("composer").addEventListener("submit", (event) => {
        event.preventDefault();
        if (running) {
            running.controller.abort();
        } else {
            submit();
        }
    });
    question.addEventListener("input", fitQuestion);
    question.addEventListener("keydown", (event) => {
        if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
            event.preventDefault();
            if (!running) { submit(); }
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
        if (document.body.classList.contains("history-open")) {
            showHistory(false);
            byId("history-toggle").focus();
        } else if (edited) {
            byId("cancel-edit").click();
        } else {
            running?.controller.abort();
        }
    });
    renderRunning();
}

/** The place for files that are dropped or pasted while this panel is open. */
export const addFiles = (files) => strip.add(files);

/** Whether thumbs can be stored is known once the server was asked. */
export async function checkFeedback() {
    hasFeedback = (await feedbackRefusal()) === null;
    show();
}

export async function prepareConversation({compare}) {
    onCompare = compare;
    prepareComposer();
    prepareHistory();
    whenPoliciesChange(fitToPolicy);
    conversations = await loadConversations();
    for (const node of conversations.flatMap(({nodes}) => Object.values(nodes))) {
        if (node.status === "running") { node.status = "interrupted"; }
        delete node.isJudging;
    }
    conversation = conversations.find(({id}) => id === recall("conversation", "")) ?? conversation;
    renderHistory();
    show({isFollowing: true});
    const gone = await prune();
    if (gone.length > 0) {
        conversations = conversations.filter(({id}) => !gone.includes(id));
        renderHistory();
    }
}
