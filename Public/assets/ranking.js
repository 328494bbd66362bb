// The ranking: from where the next comparison comes, what a labeler decides about it, and taking it back.

import {ApiError, call, query, send} from "./api.js";
import {comparisonView, fits, newDraft, rankedView} from "./comparison.js";
import {announce, byId, make, notify} from "./dom.js";
import {askPerson, blindTest, feedbackRefusal, knownPerson, store, summary, takeBack} from "./feedback.js";
import {allTied, isComplete} from "./order.js";
import {addPromptFiles, comparisonRequest, drawPolicies, preparePrompt} from "./prompt.js";
import {setting} from "./settings.js";
import {recall, remember} from "./storage.js";

const stage = byId("ranking-stage");

/** What is on the stage: `start`, `drawing`, `open` or `ranked`; null before the panel was opened once. */
let phase = null;
let comparison = null;
let draft = null;
let view = null;
/** The id of the ranking that `ranked` shows. */
let stored = null;
/** Whether the comparison came from the queue, and the next one may too. */
let isFromQueue = false;
/** A request under way that must not run twice. */
let isBusy = false;

// Where the next comparison comes from

/** Shows the panel: what was begun, or the start. */
export async function openRanking() {
    const refusal = await feedbackRefusal();
    byId("ranking-refusal").hidden = refusal === null;
    byId("ranking-body").hidden = refusal !== null;
    if (refusal) {
        byId("ranking-refusal").textContent = refusal.message;
        return;
    }
    showPerson();
    showCounters();
    drawPolicies();
    if (phase !== null) { return; }
    phase = "start";
    const begun = recall("draft", null);
    if (!begun || !knownPerson() || !(await resume(begun))) { showStart(); }
}

/** Shows a comparison that was begun before the page was closed; false if it is gone or ranked. */
async function resume(begun) {
    try {
        const found = await call(
            `v1/comparisons/${encodeURIComponent(begun.comparison)}${query({labeler: knownPerson().labeler})}`);
        if (found.status !== "open" || !fits(begun, found)) { return false; }
        isFromQueue = begun.isFromQueue ?? false;
        showComparison(found, begun);
        announce("You continue where you stopped.");
        return true;
    } catch { return false; }
}

function showStart() {
    phase = "start";
    remember("draft", null);
    comparison = draft = view = null;
    stage.replaceChildren();
    byId("ranking-start").hidden = false;
    showCounters();
}

const number = (count, one, many) => `${count} ${count === 1 ? one : many}`;

async function showCounters() {
    try {
        const {rankings, yours, queue, agreement} = await summary();
        const parts = [`${yours.rankings} ranked by you`, `${rankings} in all`];
        const waiting = queue.waiting + queue.ready;
        parts.push(
            waiting > 0 ? `${number(waiting, "prompt waits", "prompts wait")} in the queue` : "the queue is empty");
        if (agreement.value !== null) {
            parts.push(`agreement ${Math.round(agreement.value * 100)} % on ${
                number(agreement.comparisons, "comparison", "comparisons")}`);
        }
        byId("counters").textContent = parts.join(" · ");
    } catch (error) { byId("counters").textContent = error.message; }
}

function showPerson() {
    byId("ranking-person").textContent = knownPerson() ? `You rank as ${knownPerson().labeler}.` : "";
    byId("change-person").textContent = knownPerson() ? "Change" : "Say who ranks";
}

/** Runs one request at a time, with a sentence on the stage meanwhile and a way to give up. */
async function drawing(sentence, request) {
    if (isBusy || !(await askPerson())) { return; }
    showPerson();
    isBusy = true;
    phase = "drawing";
    const controller = new AbortController();
    byId("ranking-start").hidden = true;
    const cancel = make("button", {type: "button", text: "Cancel", on: {click: () => controller.abort()}});
    stage.replaceChildren(make("p", {class: "drawing", role: "status", text: sentence}), cancel);
    cancel.focus();
    let found = null;
    try {
        found = await request(controller.signal);
    } catch (error) {
        if (!controller.signal.aborted) { notify(error.message); }
    }
    isBusy = false;
    if (found) {
        showComparison(found, newDraft(found));
        view.focusFirst();
    } else {
        showStart();
    }
}

function nextOfQueue() {
    return drawing("Looking for the most informative comparison…", async (signal) => {
        isFromQueue = true;
        const {queue} = await summary();
        if (queue.waiting + queue.ready === 0) {
            throw new ApiError("Nothing is left to rank in the queue. Rank a prompt of your own.", 404);
        }
        return call("v1/comparisons/next", {method: "POST", json: {labeler: knownPerson().labeler}, signal});
    });
}

/** Draws answers to a prompt: `{question, images}` or `{messages}`. */
async function draw(prompt) {
    let json;
    try {
        json = comparisonRequest(prompt);
    } catch (error) { return notify(error.message); }
    await drawing(`Drawing ${json.k} answers…`, (signal) => {
        isFromQueue = false;
        return call("v1/comparisons", {method: "POST", json: {...json, labeler: knownPerson().labeler}, signal});
    });
}

export const addRankingFiles = (files) => {
    if (phase === "start") { addPromptFiles(files); }
};

/** Draws answers to a dialogue of the conversation. */
export async function compareMessages(messages) {
    await openRanking();
    if (byId("ranking-refusal").hidden) { await draw({messages}); }
}

// Ranking

const images = new Map();

/** The bytes of an image that the server keeps, once. */
function loadImage(digest) {
    if (!images.has(digest)) {
        const loading = send(`v1/images/${encodeURIComponent(digest)}`).then((response) => response.blob());
        loading.catch(() => images.delete(digest));
        images.set(digest, loading);
    }
    return images.get(digest);
}

// Time counts while the page is looked at.
let since = 0;
const now = () => performance.now() / 1000;
function countSeconds() {
    if (phase === "open" && !document.hidden && since > 0) { draft.seconds += now() - since; }
    since = now();
}

function showComparison(found, begun) {
    phase = "open";
    comparison = found;
    draft = {...begun, isFromQueue};
    since = now();
    byId("ranking-start").hidden = true;
    view = comparisonView({comparison, draft, loadImage, onChange: keepDraft});
    stage.replaceChildren(view.element, words(), controls());
    keepDraft();
}

function keepDraft() {
    countSeconds();
    remember("draft", draft);
    const isReady = isComplete(draft.order);
    byId("rank-submit").setAttribute("aria-disabled", String(!isReady));
    byId("rank-all-bad").setAttribute("aria-pressed", String(draft.allBad));
}

/** What a labeler can say beside the order. */
function words() {
    const area = (name, label, rows) => {
        const input = make("textarea", {rows, maxlength: "4000"});
        input.value = draft[name];
        input.addEventListener("input", () => {
            draft[name] = input.value;
            keepDraft();
        });
        return make("label", {}, label, input);
    };
    const hasWords = draft.better !== "" || draft.comment !== "";
    return make(
        "details", {class: "more", open: hasWords}, make("summary", {text: "A better answer by hand, or a comment"}),
        make("div", {class: "column"}, area("better", "A better answer", "3"), area("comment", "Comment", "2")));
}

const button = (text, onClick, attributes = {}) =>
    make("button", {type: "button", text, on: {click: onClick}, ...attributes});

const keyWords = "Keys: 1–9 place, arrows move, = ties, w i u flag, b all bad, s skip, Enter submits, z undoes";

function controls() {
    const buttons = make(
        "div", {class: "row"}, button("All bad", allBad, {id: "rank-all-bad", "aria-pressed": "false"}),
        button("Skip", skip), make("span", {class: "space"}),
        button("Submit", submit, {id: "rank-submit", class: "primary"}));
    const keys = setting("shortcuts") === false ? null : make("p", {class: "quiet keys", text: keyWords});
    return make("div", {class: "rank-bar"}, view.board, buttons, keys);
}

function allBad() {
    draft.allBad = !draft.allBad;
    if (draft.allBad && draft.order.tiers.length === 0) {
        draft.order = allTied(draft.order);
        view.update();
    }
    keepDraft();
    announce(draft.allBad ? "All are bad." : "Not all are bad.");
}

async function submit() {
    if (isBusy) { return; }
    if (!isComplete(draft.order)) { return notify("Put every answer in its place first."); }
    countSeconds();
    const optional = {better: draft.better.trim(), comment: draft.comment.trim()};
    const record = {
        comparison_id: comparison.id,
        ranking: draft.order.tiers,
        seconds: Math.round(draft.seconds * 10) / 10,
        ...(draft.allBad ? {all_bad: true} : {}),
        ...(Object.keys(draft.flags).length > 0 ? {flags: draft.flags} : {}),
        ...Object.fromEntries(Object.entries(optional).filter(([, text]) => text !== "")),
    };
    await once(async () => {
        stored = await store(record);
        remember("draft", null);
        showRanked(await call(`v1/comparisons/${comparison.id}${query({labeler: knownPerson().labeler})}`));
        showCounters();
    });
}

/** One request at a time; a refusal is shown and changes nothing. */
async function once(work) {
    if (isBusy) { return; }
    isBusy = true;
    try {
        await work();
    } catch (error) { notify(error.message); }
    isBusy = false;
}

function showRanked(found) {
    phase = "ranked";
    const next = button(isFromQueue ? "Next" : "Another prompt", advance, {class: "primary"});
    const text = `Stored, with ${number(stored.pairs, "pair", "pairs")} of answers. These policies wrote them:`;
    const buttons = make("div", {class: "row"}, button("Undo", undo), make("span", {class: "space"}), next);
    const standing = make("p", {role: "status"});
    stage.replaceChildren(
        make("p", {role: "status", text}), standing, rankedView({comparison: found, loadImage}),
        make("div", {class: "rank-bar"}, buttons));
    next.focus();
    showStanding(found.candidates, standing);
}

/** How two policies stand against each other, if the answers are of just two. */
async function showStanding(candidates, place) {
    const policies = [...new Set(candidates.map(({model}) => model ?? null))].sort();
    if (policies.length !== 2 || policies.includes(null)) { return; }
    try {
        const {first, second, wins, ties, losses, preferred} = await blindTest(...policies);
        const verdict = preferred === null ? "Undecided: more rankings are needed." : `People prefer ${preferred}.`;
        place.textContent = `${first} against ${second}: ${wins} won, ${ties} tied, ${losses} lost. ${verdict}`;
    } catch (error) { place.textContent = error.message; }
}

const advance = () => (isFromQueue ? nextOfQueue() : showStart());

function undo() {
    const taken = stored, begun = draft, found = comparison;
    return once(async () => {
        await takeBack(taken);
        stored = null;
        showComparison(found, begun);
        view.focusFirst();
        showCounters();
        announce("Taken back.");
    });
}

async function skip() {
    const found = comparison, begun = draft;
    let skipped = null;
    await once(async () => {
        skipped = await store({comparison_id: found.id, skip: true});
    });
    if (!skipped) { return; }
    if (isFromQueue) {
        await nextOfQueue();
    } else {
        showStart();
    }
    notify("Skipped.", "Undo", () => once(async () => {
                                   await takeBack(skipped);
                                   showComparison(found, begun);
                                   view.focusFirst();
                               }));
}

// Keys

function onKey(event) {
    const isElsewhere = byId("ranking").hidden || document.querySelector("dialog[open]") !== null;
    const isTyping = event.target.closest("textarea, select, input:not([type=checkbox]), [role=tablist]") !== null;
    if (isElsewhere || isTyping || event.ctrlKey || event.metaKey || event.altKey || setting("shortcuts") === false) {
        return;
    }
    // A button that has the focus keeps its own key.
    if (event.key === "Enter" && event.target.closest("button, summary, a, label") !== null) { return; }
    if (press(event.key)) { event.preventDefault(); }
}

/** Acts on a key; returns whether it meant something. */
function press(key) {
    if (phase === "open") {
        const commands = {Enter: submit, s: skip, b: allBad};
        if (!commands[key]) { return view.press(key); }
        commands[key]();
        return true;
    }
    const commands = {ranked: {Enter: advance, n: advance, z: undo}, start: {n: nextOfQueue}}[phase] ?? {};
    commands[key]?.();
    return Boolean(commands[key]);
}

export function prepareRanking() {
    byId("next-of-queue").addEventListener("click", nextOfQueue);
    preparePrompt(draw);
    byId("change-person").addEventListener("click", async () => {
        const before = knownPerson()?.labeler;
        const isOther = (await askPerson({again: true}))?.labeler !== before;
        showPerson();
        showCounters();
        // What is on the stage is the other labeler's.
        if (isOther && (phase === "open" || phase === "ranked")) { showStart(); }
    });
    document.addEventListener("keydown", onKey);
    document.addEventListener("visibilitychange", () => {
        if (document.hidden && phase === "open") { keepDraft(); }
        since = now();
    });
}
