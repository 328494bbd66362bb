// Elements of the page: finding them, making them, and telling a screen reader what happened.
// Text always becomes a text node. Nothing on this page assigns HTML.

export const byId = (id) => document.getElementById(id);

/**
 * Makes an element. `attributes` may hold `class`, `text`, `on` (listeners by event), `data`, and attributes by name;
 * a value of `true` is an empty attribute, and `false`, `null` and `undefined` leave it out.
 */
export function make(tag, attributes = {}, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
        if (value === undefined || value === null || value === false) { continue; }
        if (name === "class") {
            node.className = value;
        } else if (name === "text") {
            node.textContent = value;
        } else if (name === "on") {
            for (const [type, listener] of Object.entries(value)) { node.addEventListener(type, listener); }
        } else if (name === "data") {
            Object.assign(node.dataset, value);
        } else {
            node.setAttribute(name, value === true ? "" : String(value));
        }
    }
    node.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
    return node;
}

const drawings = {
    attach: "M12.5 6.5 7 12a2 2 0 1 0 3 3l6-6a3.6 3.6 0 0 0-5-5L4.6 10.3a5.4 5.4 0 0 0 7.6 7.6L17 13",
    camera: "M3 7h3l1.5-2h5L14 7h3v9H3zM10 14a2.7 2.7 0 1 0 0-5.4 2.7 2.7 0 0 0 0 5.4z",
    send: "M10 16V4M5 9l5-5 5 5",
    stop: "M6 6h8v8H6z",
    copy: "M7 7h9v9H7zM4 13V4h9",
    edit: "M4 16l1-4 8-8 3 3-8 8zM11.5 5.5l3 3",
    again: "M15.5 8A6 6 0 1 0 16 11.5M16 4v4h-4",
    remove: "M4 6h12M8 6V4h4v2M6 6l.7 10h6.6L14 6M8.5 9v4.5M11.5 9v4.5",
    close: "M5 5l10 10M15 5L5 15",
    previous: "M12 5l-5 5 5 5",
    next: "M8 5l5 5-5 5",
    up: "M7 9l3-6c1.5 0 2.2 1 2 2.5L11.7 8H16l-1.2 8H7zM4 9h3v7H4z",
    down: "M13 11l-3 6c-1.5 0-2.2-1-2-2.5L8.3 12H4l1.2-8H13zM13 4h3v7h-3z",
    lens: "M9 14A5 5 0 1 0 9 4a5 5 0 0 0 0 10zM12.7 12.7 17 17",
    compare: "M4 4h5v12H4zM11 4h5v12h-5z",
    grip: "M8 5v.01M12 5v.01M8 10v.01M12 10v.01M8 15v.01M12 15v.01",
};

/** A line drawing beside or instead of a word. It has no name of its own: the button that holds it has. */
export function icon(name) {
    const space = "http://www.w3.org/2000/svg";
    const svg = document.createElementNS(space, "svg");
    svg.setAttribute("viewBox", "0 0 20 20");
    svg.setAttribute("aria-hidden", "true");
    svg.setAttribute("class", "icon");
    const path = document.createElementNS(space, "path");
    path.setAttribute("d", drawings[name]);
    svg.append(path);
    return svg;
}

/** A small button with a drawing, named by `label` for the pointer and for screen readers. */
export function iconButton(name, label, onClick, attributes = {}) {
    return make(
        "button",
        {type: "button", class: "icon-button", "aria-label": label, title: label, on: {click: onClick}, ...attributes},
        icon(name));
}

/** Adds a sentence to the page's log, which screen readers read once; older sentences leave. */
export function announce(text) {
    const log = byId("announcements");
    log.append(make("p", {text}));
    while (log.children.length > 6) { log.firstChild.remove(); }
}

let timer = 0;

/** Shows a short notice, with something to press where it can be taken back. */
export function notify(text, label, action) {
    const notice = byId("notice");
    clearTimeout(timer);
    announce(text);
    const hide = () => {
        notice.hidden = true;
    };
    notice.replaceChildren(make("span", {text}));
    if (label) {
        notice.append(make("button", {
            type: "button",
            text: label,
            on: {
                click: () => {
                    hide();
                    action();
                }
            }
        }));
    }
    notice.append(iconButton("close", "Dismiss", hide));
    notice.hidden = false;
    // What can be pressed stays long enough to be reached by keyboard.
    timer = setTimeout(hide, label ? 20_000 : 8_000);
}

/** Opens a dialog, and closes it by its own buttons with `data-close` and by a press outside of it. */
export function prepareDialog(dialog) {
    dialog.addEventListener("click", (event) => {
        if (event.target === dialog || event.target.closest("[data-close]")) { dialog.close(); }
    });
}

/** Writes text to the clipboard, also on pages that are not served over TLS, where browsers withhold the clipboard. */
export async function copyText(text) {
    if (navigator.clipboard) {
        await navigator.clipboard.writeText(text);
        return;
    }
    const area = make("textarea", {class: "visually-hidden", "aria-hidden": "true"});
    area.value = text;
    const focused = document.activeElement;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    focused?.focus();
    if (!done) { throw new Error("the browser refused"); }
}

/** A random id; `crypto.randomUUID` is missing on pages that are not served over TLS. */
export function randomId(prefix) {
    const bytes = crypto.getRandomValues(new Uint8Array(12));
    return prefix + [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
