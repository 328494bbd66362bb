// Dragging by pointer, finger or pen. The elements that take a drop carry `data-drop`.

import {make} from "./dom.js";

/** Movement in pixels that makes a press a drag. */
const threshold = 5;

/**
 * Lets `handle` be dragged. `label` is what the pointer carries; `onDrop` gets the `data-drop` of the element below.
 */
export function makeDraggable(handle, label, onDrop) {
    handle.classList.add("draggable");
    handle.addEventListener("pointerdown", (event) => {
        if (event.button === 0) { follow(handle, event, label, onDrop); }
    });
}

function follow(handle, start, label, onDrop) {
    const end = new AbortController();
    let ghost = null, over = null;
    const mark = (element) => {
        over?.classList.remove("drop-here");
        over = element;
        over?.classList.add("drop-here");
    };
    const stop = () => {
        end.abort();
        ghost?.remove();
        mark(null);
        document.body.classList.remove("dragging");
    };
    const listen = (type, listener) => document.addEventListener(type, listener, {signal: end.signal, capture: true});
    handle.setPointerCapture(start.pointerId);
    listen("pointermove", (event) => {
        if (event.pointerId !== start.pointerId) { return; }
        const distance = Math.hypot(event.clientX - start.clientX, event.clientY - start.clientY);
        if (!ghost && distance < threshold) { return; }
        if (!ghost) {
            ghost = make("div", {class: "ghost", "aria-hidden": "true", text: label});
            document.body.append(ghost);
            document.body.classList.add("dragging");
        }
        ghost.style.setProperty("translate", `${event.clientX}px ${event.clientY}px`);
        mark(document.elementFromPoint(event.clientX, event.clientY)?.closest("[data-drop]") ?? null);
    });
    listen("pointerup", (event) => {
        if (event.pointerId !== start.pointerId) { return; }
        const target = over?.dataset.drop, wasDragged = ghost !== null;
        stop();
        // The click that follows a drag is not meant.
        if (wasDragged) { swallowClick(handle); }
        if (target !== undefined) { onDrop(target); }
    });
    listen("pointercancel", stop);
    listen("keydown", (event) => {
        if (event.key !== "Escape") { return; }
        event.stopPropagation();
        stop();
    });
}

function swallowClick(handle) {
    const swallow = (event) => {
        event.preventDefault();
        event.stopPropagation();
    };
    handle.addEventListener("click", swallow, {capture: true, once: true});
    // Where no click follows, the next one is meant.
    setTimeout(() => handle.removeEventListener("click", swallow, {capture: true}), 0);
}
