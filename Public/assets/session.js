// Which conversation is shown, which answer is being written, and everything that hears of changes to them.

import {notify} from "./dom.js";
import * as storage from "./storage.js";
import * as tree from "./tree.js";

export const session = {
    /** All conversations that the browser keeps, the newest first. */
    conversations: [],
    /** The one that is shown; it joins the others with its first question. */
    conversation: tree.newConversation(),
    /** The answer that is being written: `{node, conversation, controller}`. */
    running: null,
    /** Whether the server keeps feedback; thumbs appear only then. */
    hasFeedback: false,
};

const listeners = [], growthListeners = [];

/** `listener` is called after each change; with `isFollowing` where the end of the conversation is to be seen. */
export function whenSessionChanges(listener) { listeners.push(listener); }

export function changed(options = {}) {
    for (const listener of listeners) { listener(options); }
}

/** `listener` gets the answer that is being written, each time that it has grown. */
export function whenAnswerGrows(listener) { growthListeners.push(listener); }

export function grown(node) {
    for (const listener of growthListeners) { listener(node); }
}

/** Keeps a conversation in the browser, as the newest one; what has changed is shown at once. */
export async function keep(conversation) {
    conversation.updated = Date.now();
    const others = session.conversations.filter((other) => other !== conversation);
    session.conversations = [conversation, ...others];
    if (session.conversation === conversation) { storage.remember("conversation", conversation.id); }
    changed();
    try {
        await storage.saveConversation(structuredClone(conversation));
    } catch { notify("The browser's storage is full: this conversation lasts as long as the page."); }
}

/** Puts an earlier state of a conversation in its place. */
export function replace(before) {
    session.conversations = session.conversations.filter(({id}) => id !== before.id);
    if (session.conversation.id === before.id) { session.conversation = before; }
}

/** Shows a conversation. An answer to another one stops. */
export function open(conversation) {
    if (session.running && session.running.conversation !== conversation) { session.running.controller.abort(); }
    session.conversation = conversation;
    storage.remember("conversation", conversation.id);
    changed({isFollowing: true});
}

export const begin = () => open(tree.newConversation());

/** Deletes a conversation, and offers to take that back. */
export function removeConversation(conversation) {
    if (session.running?.conversation.id === conversation.id) { session.running.controller.abort(); }
    session.conversations = session.conversations.filter(({id}) => id !== conversation.id);
    if (session.conversation.id === conversation.id) {
        begin();
    } else {
        changed();
    }
    // The browser deletes at once; undo writes it again, so its images are read first.
    const kept = Object.values(conversation.nodes).flatMap(({images}) => images ?? []);
    const images =
        Promise.all(kept.map(async ({id}) => ({id, conversation: conversation.id, blob: await storage.loadImage(id)})));
    const deleted = images.then(() => storage.deleteConversation(conversation.id));
    notify("The conversation is deleted.", "Undo", async () => {
        await deleted;
        for (const image of await images) {
            if (image.blob) { await storage.saveImage(image); }
        }
        await keep(conversation);
        open(conversation);
    });
}

export async function removeAll() {
    session.running?.controller.abort();
    await storage.deleteAllConversations();
    session.conversations = [];
    begin();
}

/** Reads what the browser keeps, and shows what was shown last, unless something was asked meanwhile. */
export async function restore() {
    const kept = await storage.loadConversations();
    for (const node of kept.flatMap(({nodes}) => Object.values(nodes))) {
        if (node.status === "running") { node.status = "interrupted"; }
        delete node.isJudging;
    }
    session.conversations = [...session.conversations, ...kept];
    const last = kept.find(({id}) => id === storage.recall("conversation", ""));
    if (last && tree.path(session.conversation).length === 0) { session.conversation = last; }
    changed({isFollowing: true});
    const gone = await storage.prune();
    if (gone.length > 0) {
        session.conversations = session.conversations.filter(({id}) => !gone.includes(id));
        changed();
    }
}
