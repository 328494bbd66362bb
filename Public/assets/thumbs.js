// Thumbs below an answer, with what they can say in words.

import {messages} from "./answering.js";
import {announce, iconButton, make, notify} from "./dom.js";
import {askPerson, store, takeBack} from "./feedback.js";
import {changed, keep, session} from "./session.js";

export function thumbButtons(node) {
    const button = (direction, label) => {
        const isPressed = node.thumb?.direction === direction;
        return iconButton(
            direction, label, () => judge(node, isPressed ? null : direction),
            {"aria-pressed": String(isPressed), disabled: node.isJudging, data: {action: direction}});
    };
    return [button("up", "A good answer"), button("down", "A bad answer")];
}

/** Stores a thumb, with the words of its form; null takes it back. */
async function judge(node, direction, words = {}) {
    const {conversation} = session;
    if (node.isJudging || !(await askPerson())) { return; }
    node.isJudging = true;
    changed();
    try {
        const old = node.thumb;
        if (direction) {
            const {id, labeler} = await store({
                thumb: direction,
                messages: await messages(conversation, conversation.nodes[node.parent]),
                answer: node.text,
                model: node.model,
                generation: node.generation,
                seed: node.seed,
                ...words,
            });
            node.thumb = {id, labeler, direction, ...words};
            // A person's newer thumb supersedes the older one; another person's stays until it is taken back.
            if (old && old.labeler !== labeler) { await takeBack(old); }
        } else if (old) {
            await takeBack(old);
            delete node.thumb;
        }
        announce(direction ? "Thank you, stored." : "Taken back.");
    } catch (error) { notify(error.message); }
    delete node.isJudging;
    await keep(conversation);
}

/** What a thumb can say in words. */
export function thumbForm(node) {
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
