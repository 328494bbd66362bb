// The list of the conversations that the browser keeps.

import {byId, iconButton, make} from "./dom.js";
import {begin, open, removeAll, removeConversation, session, whenSessionChanges} from "./session.js";

function render() {
    const items = session.conversations.map(
        (entry) => make(
            "li", {class: "entry"}, make("button", {
                type: "button",
                class: "title",
                text: entry.title || "Untitled",
                "aria-current": entry.id === session.conversation.id ? "true" : null,
                on: {
                    click: () => {
                        show(false);
                        open(entry);
                    },
                },
            }),
            iconButton("remove", `Delete “${entry.title}”`, () => removeConversation(entry))));
    byId("history-list").replaceChildren(...items);
    byId("history-empty").hidden = items.length > 0;
    byId("delete-all").hidden = items.length === 0;
}

function show(isOpen) {
    document.body.classList.toggle("history-open", isOpen);
    byId("history-toggle").setAttribute("aria-expanded", String(isOpen));
}

/** Closes the list where it lies over the page; returns whether it was open. */
export function closeHistory() {
    const wasOpen = document.body.classList.contains("history-open");
    show(false);
    if (wasOpen) { byId("history-toggle").focus(); }
    return wasOpen;
}

export function prepareHistory() {
    byId("history-toggle").addEventListener("click", () => {
        const isOpen = !document.body.classList.contains("history-open");
        show(isOpen);
        if (isOpen) { byId("new-conversation").focus(); }
    });
    byId("history-shade").addEventListener("click", () => show(false));
    byId("new-conversation").addEventListener("click", beginHere);
    byId("delete-all").addEventListener("click", () => byId("confirm-delete").showModal());
    byId("delete-all-now").addEventListener("click", async () => {
        await removeAll();
        beginHere();
    });
    whenSessionChanges(render);
}

function beginHere() {
    show(false);
    begin();
    byId("question").focus();
}
