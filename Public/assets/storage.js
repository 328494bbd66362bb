// What the browser keeps: conversations and their images in IndexedDB, small choices in localStorage. Where the browser
// allows neither (some private windows), everything lasts as long as the page.

const limits = {
    conversations: 200,
    imageBytes: 200 * 2 ** 20
};

let opened = null;
/** Stands in for the database where there is none. */
const memory = {
    conversations: new Map(),
    images: new Map()
};

function database() {
    opened ??= new Promise((resolve) => {
        let request;
        try {
            request = indexedDB.open("apus", 1);
        } catch {
            resolve(null);
            return;
        }
        request.onupgradeneeded = () => {
            request.result.createObjectStore("conversations", {keyPath: "id"});
            request.result.createObjectStore("images", {keyPath: "id"}).createIndex("conversation", "conversation");
        };
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => resolve(null);
    });
    return opened;
}

const finished = (request) => new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
});

async function all(store) {
    const open = await database();
    return open ? finished(open.transaction(store).objectStore(store).getAll()) : [...memory[store].values()];
}

async function put(store, value) {
    const open = await database();
    if (open) {
        await finished(open.transaction(store, "readwrite").objectStore(store).put(value));
    } else {
        memory[store].set(value.id, value);
    }
}

async function remove(store, id) {
    const open = await database();
    if (open) {
        await finished(open.transaction(store, "readwrite").objectStore(store).delete(id));
    } else {
        memory[store].delete(id);
    }
}

/** All conversations, the newest first. */
export async function loadConversations() {
    return (await all("conversations")).sort((one, other) => other.updated - one.updated);
}

export const saveConversation = (conversation) => put("conversations", conversation);

/** Keeps an image: `{id, conversation, blob}`; as long as the page lasts if the browser's storage is full. */
export async function saveImage(image) {
    try {
        await put("images", image);
    } catch { memory.images.set(image.id, image); }
}

/** The bytes of an image; undefined if they are gone. */
export async function loadImage(id) {
    const open = await database();
    const image = open && await finished(open.transaction("images").objectStore("images").get(id));
    return (image ?? memory.images.get(id))?.blob;
}

/** Deletes a conversation with its images. */
export async function deleteConversation(id) {
    for (const image of await all("images")) {
        if (image.conversation === id) { await remove("images", image.id); }
    }
    await remove("conversations", id);
}

export async function deleteAllConversations() {
    for (const {id} of await all("conversations")) { await remove("conversations", id); }
    for (const {id} of await all("images")) { await remove("images", id); }
}

/** Deletes the oldest conversations beyond the limits, and images without a conversation. Returns the ids that left. */
export async function prune() {
    const sizes = new Map();
    const conversations = await loadConversations();
    const known = new Set(conversations.map(({id}) => id));
    for (const image of await all("images")) {
        if (!known.has(image.conversation)) { await remove("images", image.id); }
        sizes.set(image.conversation, (sizes.get(image.conversation) ?? 0) + image.blob.size);
    }
    let bytes = 0;
    const gone = [];
    for (const [index, {id}] of conversations.entries()) {
        bytes += sizes.get(id) ?? 0;
        if (index > 0 && (index >= limits.conversations || bytes > limits.imageBytes)) { gone.push(id); }
    }
    for (const id of gone) { await deleteConversation(id); }
    return gone;
}

/** A small choice; `otherwise` if there is none that can be read. */
export function recall(name, otherwise) {
    try {
        return JSON.parse(localStorage.getItem(`apus.${name}`)) ?? otherwise;
    } catch { return otherwise; }
}

/** Keeps a small choice; null forgets it. */
export function remember(name, value) {
    try {
        if (value === null) {
            localStorage.removeItem(`apus.${name}`);
        } else {
            localStorage.setItem(`apus.${name}`, JSON.stringify(value));
        }
    } catch {
        // A full or forbidden store only means that the choice ends with the page.
    }
}
