// The messages of a conversation: drawing them, and what can be done with each.

import {answer} from "./answering.js";
import {announce, byId, copyText, iconButton, make, notify} from "./dom.js";
import {showAsSeen} from "./images.js";
import {render} from "./markdown.js";
import {currentPolicy, policyNamed} from "./policies.js";
import {keep, removeConversation, replace, session, whenAnswerGrows, whenSessionChanges} from "./session.js";
import {loadImage} from "./storage.js";
import {thumbButtons, thumbForm} from "./thumbs.js";
import * as tree from "./tree.js";

/** The articles that were drawn, by the id of their node, each with what it was drawn from. */
const articles = new Map();
let isPaintWaiting = false;
/** What the composer and the ranking do: `edit(question)` and `compare(question)`. */
let actions = {};

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
    const nodes = tree.path(session.conversation);
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
        if (!session.conversation.nodes[id]) { articles.delete(id); }
    }
    restoreFocus(focused);
    if (isFollowing) { scrollToEnd(); }
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
    (article?.querySelector(`[data-action="${key.action}"]:not([disabled])`) ?? byId("question")).focus();
}

function articleOf(node) {
    const versions = tree.versions(session.conversation, node);
    const signature = JSON.stringify([
        node,
        versions.length,
        versions.indexOf(node),
        session.hasFeedback,
        Boolean(session.running),
        seenOf(node),
    ]);
    const known = articles.get(node.id);
    if (known?.signature === signature) { return known.article; }
    const article = node.role === "user" ? questionArticle(node, versions) : answerArticle(node, versions);
    articles.set(node.id, {article, signature});
    return article;
}

/** The answer to a question that is shown. */
const answerTo = (node) => session.conversation.nodes[session.conversation.chosen[node.id]];

/** What the server counted for the images of a question: its answer lists those of the whole dialogue in order. */
function seenOf(node) {
    if (node.role !== "user" || node.images.length === 0) { return undefined; }
    const before = tree.pathTo(session.conversation, node).slice(0, -1).flatMap(({images}) => images ?? []).length;
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
            action("edit", "Edit the question", () => actions.edit(node)),
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
    const buttons = make("div", {class: "actions"}, ...versionButtons(node, versions));
    if (node.text !== "") { buttons.append(action("copy", "Copy the answer", () => copy(node))); }
    const question = session.conversation.nodes[node.parent];
    buttons.append(action("again", node.text === "" ? "Try again" : "Another answer", () => regenerate(question)));
    if (session.hasFeedback && node.text !== "") {
        buttons.append(...thumbButtons(node));
        buttons.append(action("compare", "Rank several answers to this question", () => actions.compare(question)));
    }
    if (versions.length > 1) { buttons.append(action("remove", "Delete this version", () => removeNode(node))); }
    article.append(buttons);
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
        tree.choose(session.conversation, versions[index + step]);
        keep(session.conversation);
        announce(`Version ${index + step + 1} of ${versions.length}.`);
    };
    return [
        action("previous", "Previous version", () => go(-1), {disabled: index === 0 || Boolean(session.running)}),
        make("span", {class: "version", text: `${index + 1}/${versions.length}`}),
        action(
            "next", "Next version", () => go(1), {disabled: index === versions.length - 1 || Boolean(session.running)}),
    ];
}

async function copy(node) {
    try {
        await copyText(node.text);
        notify("Copied.");
    } catch { notify("The browser does not allow copying here."); }
}

async function regenerate(question) {
    if (!session.running) { await answer(question); }
}

async function removeNode(node) {
    if (session.running) { return; }
    const before = structuredClone(session.conversation);
    tree.remove(session.conversation, node);
    if (tree.path(session.conversation).length === 0) {
        removeConversation(before);
        return;
    }
    await keep(session.conversation);
    notify("Deleted.", "Undo", () => {
        replace(before);
        return keep(before);
    });
}

/** `edit` and `compare` get a question. */
export function prepareThread({edit, compare}) {
    actions = {edit, compare};
    whenSessionChanges(show);
    whenAnswerGrows(paint);
}
