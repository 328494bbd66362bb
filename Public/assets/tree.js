// A conversation as a tree: an edited question and a second answer are further children of the same parent, and one
// path from the root is shown. Pure data, without the page; what is here is what the browser keeps.

import {randomId} from "./dom.js";

/** The parent of first questions. */
const root = "";

export function newConversation() {
    const now = Date.now();
    return {id: randomId("c"), title: "", created: now, updated: now, nodes: {}, children: {}, chosen: {}};
}

/** Adds a node `{role, text, …}` below `parent` (null: at the root) and shows it. */
export function add(conversation, parent, node) {
    const added = {...node, id: randomId("n"), parent: parent ?? root};
    conversation.nodes[added.id] = added;
    (conversation.children[added.parent] ??= []).push(added.id);
    choose(conversation, added);
    return added;
}

/** Shows a node in place of its siblings. */
export function choose(conversation, node) { conversation.chosen[node.parent] = node.id; }

/** The nodes that are shown, from the first question on. */
export function path(conversation) {
    const nodes = [];
    let id = conversation.chosen[root];
    while (id && conversation.nodes[id]) {
        nodes.push(conversation.nodes[id]);
        id = conversation.chosen[id];
    }
    return nodes;
}

/** The nodes that are shown above a node, and the node itself. */
export function pathTo(conversation, node) {
    const nodes = [];
    for (let at = node; at; at = conversation.nodes[at.parent]) { nodes.unshift(at); }
    return nodes;
}

/** The siblings of a node, itself included, in the order of their making. */
export const versions = (conversation, node) => conversation.children[node.parent].map((id) => conversation.nodes[id]);

/** Removes a node and everything below it; the version before it is shown instead. */
export function remove(conversation, node) {
    for (const id of [...(conversation.children[node.id] ?? [])]) { remove(conversation, conversation.nodes[id]); }
    const siblings = conversation.children[node.parent];
    const index = siblings.indexOf(node.id);
    siblings.splice(index, 1);
    if (conversation.chosen[node.parent] === node.id) {
        const next = siblings[Math.max(0, index - 1)];
        if (next) {
            conversation.chosen[node.parent] = next;
        } else {
            delete conversation.chosen[node.parent];
        }
    }
    delete conversation.children[node.id];
    delete conversation.chosen[node.id];
    delete conversation.nodes[node.id];
}
