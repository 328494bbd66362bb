// One comparison on the page: the prompt, the answers side by side, and the board on which they are put in order.
// It knows nothing of the server; the ranking hands it a draft and hears of changes.

import {announce, icon, make} from "./dom.js";
import {makeDraggable} from "./drag.js";
import {render} from "./markdown.js";
import * as orders from "./order.js";

const flagNames = {
    wrong: "Wrong",
    invented: "Invented",
    unsafe: "Unsafe"
};

/** What a labeler has decided so far about a comparison. */
export const newDraft = (comparison) => ({
    comparison: comparison.id,
    order: orders.newOrder(comparison.candidates.map(({id}) => id)),
    flags: {},
    allBad: false,
    better: "",
    comment: "",
    seconds: 0,
});

/** Whether a draft is about just these answers. */
export function fits(draft, comparison) {
    const placed = [...draft.order.tiers.flat(), ...draft.order.unplaced].sort();
    return draft.comparison === comparison.id
        && placed.join() === comparison.candidates.map(({id}) => id).sort().join();
}

const ordinal = (index) => ["1st", "2nd", "3rd"][index] ?? `${index + 1}th`;

/**
 * The view of a comparison that is being ranked. `loadImage` gives the blob of a digest; `onChange` is called after
 * each decision.
 */
export function comparisonView({comparison, draft, loadImage, onChange}) {
    const names = new Map(comparison.candidates.map(({id}, index) => [id, index + 1]));
    let selected = comparison.candidates[0].id;

    const cards = new Map(comparison.candidates.map((candidate) => [candidate.id, card(candidate)]));
    const board = make("div", {class: "board", role: "group", "aria-label": "The order, from best to worst"});
    const answers =
        make("div", {class: "answers", data: {count: cards.size}}, ...[...cards.values()].map(({element}) => element));
    const element = make("div", {class: "comparison"}, promptView(comparison.prompt, loadImage), answers);

    function card(candidate) {
        const {id} = candidate, name = `Answer ${names.get(id)}`;
        const place = make("span", {class: "place"});
        const grip = make("span", {class: "grip", title: "Drag to the order"}, icon("grip"));
        const buttons = make("div", {class: "row"});
        const flags = Object.entries(flagNames).map(([flag, text]) => flagButton(id, flag, text));
        const element = make(
            "article", {class: "card", tabindex: "-1", on: {focusin: () => select(id)}},
            make("header", {class: "card-head"}, make("span", {class: "number", text: names.get(id)}), place, grip),
            answerText(candidate), buttons, make("div", {class: "row flags"}, ...flags));
        element.addEventListener("click", () => select(id));
        makeDraggable(grip, name, (target) => drop(id, target));
        return {element, place, buttons, flags};
    }

    function flagButton(id, flag, text) {
        return make("button", {type: "button", class: "flag", text, on: {click: () => toggleFlag(id, flag)}});
    }

    /** Changes the draft, draws, and says where the answer is now. */
    function change(id, order) {
        draft.order = order;
        update();
        onChange();
        announce(`Answer ${names.get(id)}: ${placeOf(id)}.`);
    }

    function placeOf(id) {
        const index = orders.tierOf(draft.order, id);
        if (index < 0) { return "not placed"; }
        const others = draft.order.tiers[index].filter((other) => other !== id).map((other) => names.get(other));
        return ordinal(index) + (others.length > 0 ? `, tied with ${others.join(" and ")}` : "");
    }

    function drop(id, target) {
        const [kind, index] = target.split(":");
        if (kind === "tier") { change(id, orders.putInto(draft.order, id, Number(index))); }
        if (kind === "above") { change(id, orders.putAbove(draft.order, id, Number(index))); }
        if (kind === "unplaced") { change(id, orders.takeOut(draft.order, id)); }
    }

    function toggleFlag(id, flag) {
        const flags = new Set(draft.flags[id] ?? []);
        if (!flags.delete(flag)) { flags.add(flag); }
        if (flags.size > 0) {
            draft.flags[id] = [...flags];
        } else {
            delete draft.flags[id];
        }
        update();
        onChange();
        announce(`Answer ${names.get(id)}: ${[...flags].join(", ") || "no flags"}.`);
    }

    function select(id) {
        selected = id;
        for (const [other, {element}] of cards) {
            element.classList.toggle("selected", other === id);
            element.tabIndex = other === id ? 0 : -1;
        }
    }

    /** A chip on the board; as a button it moves the answer that it stands for into view. */
    function chip(id) {
        const button = make("button", {
            type: "button",
            class: "order-chip",
            text: names.get(id),
            "aria-label": `Answer ${names.get(id)}, ${placeOf(id)}`,
            data: {chip: id},
            on: {click: () => focus(id)},
        });
        makeDraggable(button, `Answer ${names.get(id)}`, (target) => drop(id, target));
        return button;
    }

    function focus(id) {
        select(id);
        cards.get(id).element.focus();
    }

    function cardButtons(id) {
        const button = (text, label, order) => make("button", {
            type: "button",
            text,
            "aria-label": `${label}: answer ${names.get(id)}`,
            title: label,
            data: {action: label},
            on: {click: () => change(id, order())}
        });
        if (orders.tierOf(draft.order, id) < 0) {
            const next = draft.order.tiers.length === 0 ? "Best" : "Next best";
            return [button(next, next, () => orders.place(draft.order, id))];
        }
        return [
            button("▲", "Better", () => orders.better(draft.order, id)),
            button("▼", "Worse", () => orders.worse(draft.order, id)),
            button("=", "Tie", () => orders.toggleTie(draft.order, id)),
            button("×", "Take out", () => orders.takeOut(draft.order, id)),
        ];
    }

    function update() {
        for (const [id, {element, place, buttons, flags}] of cards) {
            const text = placeOf(id);
            place.textContent = text;
            element.classList.toggle("placed", orders.tierOf(draft.order, id) >= 0);
            element.setAttribute("aria-label", `Answer ${names.get(id)}, ${text}`);
            const focused = buttons.contains(document.activeElement) ? document.activeElement.dataset.action : null;
            buttons.replaceChildren(...cardButtons(id));
            if (focused) { (buttons.querySelector(`[data-action="${focused}"]`) ?? buttons.firstChild).focus(); }
            Object.keys(flagNames).forEach((flag, index) => {
                flags[index].setAttribute("aria-pressed", String(draft.flags[id]?.includes(flag) ?? false));
            });
        }
        drawBoard();
    }

    function drawBoard() {
        const {tiers, unplaced} = draft.order;
        const gap = (index) => make("span", {class: "gap", data: {drop: `above:${index}`}});
        const tierOf = (tier, index) => make("span", {class: "tier", data: {drop: `tier:${index}`}}, ...tier.map(chip));
        const places = tiers.flatMap((tier, index) => [gap(index), tierOf(tier, index)]);
        const end = tiers.length === 0 ?
            make("span", {class: "tier empty", data: {drop: "above:0"}, text: "drop here"}) :
            gap(tiers.length);
        const label = (text) => make("span", {class: "quiet", text});
        board.replaceChildren(label("Best"), ...places, end, label("Worst"));
        if (unplaced.length > 0) {
            board.append(make(
                "span", {class: "tier unplaced", data: {drop: "unplaced"}}, label("open:"), ...unplaced.map(chip)));
        }
    }

    /** Handles a single key; returns whether it meant something here. */
    function press(key) {
        const digit = Number(key);
        if (digit >= 1 && digit <= comparison.candidates.length) {
            const {id} = comparison.candidates[digit - 1];
            if (orders.tierOf(draft.order, id) < 0) { change(id, orders.place(draft.order, id)); }
            focus(id);
            return true;
        }
        const moves = {
            ArrowUp: orders.better,
            ArrowLeft: orders.better,
            ArrowDown: orders.worse,
            ArrowRight: orders.worse,
            "=": orders.toggleTie,
            Backspace: orders.takeOut,
            Delete: orders.takeOut,
        };
        const flags = {w: "wrong", i: "invented", u: "unsafe"};
        if (moves[key]) { change(selected, moves[key](draft.order, selected)); }
        if (flags[key]) { toggleFlag(selected, flags[key]); }
        return Boolean(moves[key] ?? flags[key]);
    }

    select(selected);
    update();
    return {element, board, update, press, focusFirst: () => focus(comparison.candidates[0].id)};
}

/** The view of a comparison that is ranked: the same answers in the order of the ranking, now with their policies. */
export function rankedView({comparison, loadImage}) {
    const names = new Map(comparison.candidates.map(({id}, index) => [id, index + 1]));
    const known = new Map(comparison.candidates.map((candidate) => [candidate.id, candidate]));
    const cards = comparison.ranking.flatMap((tier, index) => tier.map((id) => {
        const candidate = known.get(id);
        const origin = originOf(candidate);
        return make(
            "article",
            {class: "card placed", "aria-label": `${ordinal(index)}: answer ${names.get(id)}, from ${origin}`},
            make(
                "header", {class: "card-head"}, make("span", {class: "number", text: names.get(id)}),
                make("span", {class: "place", text: ordinal(index)}), make("strong", {class: "origin", text: origin})),
            answerText(candidate));
    }));
    return make(
        "div", {class: "comparison"}, promptView(comparison.prompt, loadImage),
        make("div", {class: "answers", data: {count: cards.length}}, ...cards));
}

/** The policy that wrote an answer; a seed that JavaScript cannot hold exactly stays out. */
function originOf({model, generation, seed}) {
    const policy = (model ?? null) === null ? "given" :
        (generation ?? null) === null       ? model :
                                              `${model} ${generation}`;
    return Number.isSafeInteger(seed) ? `${policy} · seed ${seed}` : policy;
}

function answerText({answer, finish_reason: reason}) {
    const text = make("div", {class: "text"}, render(answer));
    if (answer.trim() === "") { text.append(make("p", {class: "quiet", text: "(nothing)"})); }
    if (reason === "length") { text.append(make("p", {class: "quiet", text: "ended at the token limit"})); }
    return text;
}

function promptView(prompt, loadImage) {
    return make(
        "div", {class: "prompt", role: "group", "aria-label": "The prompt"}, ...prompt.map(({role, content}) => {
            const parts = typeof content === "string" ? [{type: "text", text: content}] : content;
            const images = parts.filter(({type}) => type === "image").map(({sha256}) => keptImage(sha256, loadImage));
            const text = parts.filter(({type}) => type === "text").map(({text}) => text).join("\n");
            const words = role === "assistant" ? make("div", {class: "text"}, render(text)) :
                                                 make("div", {class: "text plain", text});
            return make(
                "div", {class: `turn ${role}`}, prompt.length > 1 ? make("span", {class: "quiet", text: role}) : null,
                images.length > 0 ? make("div", {class: "pictures"}, ...images) : null, words);
        }));
}

function keptImage(digest, loadImage) {
    const image = make("img", {alt: "An image of the prompt", class: "kept"});
    loadImage(digest).then((blob) => {
        image.src = URL.createObjectURL(blob);
    }, (error) => image.replaceWith(make("span", {class: "error", text: `An image is missing: ${error.message}`})));
    image.addEventListener("load", () => URL.revokeObjectURL(image.src));
    return image;
}
