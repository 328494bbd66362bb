// What people think of answers, on its way to the server: who they are, thumbs, rankings, and taking them back.

import {ApiError, call, query} from "./api.js";
import {byId} from "./dom.js";
import {recall, remember} from "./storage.js";

/** Names that the server takes for a labeler. */
const namePattern = /^[A-Za-z0-9 ._-]{1,64}$/;

const notKept = "This server keeps no feedback. Start it with --data-path FOLDER to rank answers.";

/** `{labeler, consent}` of this browser's user; undefined until asked. */
let person = recall("person", undefined);

export const knownPerson = () => person;

let availability = null;

/** Whether this server keeps feedback: null, or the error that says why not. Asked once; a refusal is asked again. */
export async function feedbackRefusal() {
    availability ??= summary().then(({kept}) => (kept ? null : new ApiError(notKept, 404)), (error) => error);
    const refusal = await availability;
    if (refusal) { availability = null; }
    return refusal;
}

/**
 * Asks for name and consent if this browser has not yet. Resolves to the person, or to undefined if the user closed
 * the dialog.
 */
export async function askPerson({again = false} = {}) {
    if (person && !again) { return person; }
    const dialog = byId("person"), name = byId("person-name"), consent = byId("person-consent");
    name.value = person?.labeler ?? "";
    consent.checked = person?.consent ?? false;
    byId("person-error").textContent = "";
    dialog.showModal();
    return new Promise((resolve) => {
        const save = (event) => {
            event.preventDefault();
            const labeler = name.value.trim() || "anonymous";
            if (!namePattern.test(labeler)) {
                byId("person-error").textContent = "1 to 64 letters, digits, spaces, dots, dashes and underscores.";
                name.focus();
                return;
            }
            person = {labeler, consent: consent.checked};
            remember("person", person);
            dialog.close();
        };
        byId("person-form").addEventListener("submit", save);
        dialog.addEventListener("close", () => {
            byId("person-form").removeEventListener("submit", save);
            resolve(person);
        }, {once: true});
    });
}

/** Stores a record of feedback; it is durable when this returns. Resolves to its id and labeler. */
export async function store(record) {
    const {labeler} = person;
    const stored = await call("v1/feedback", {
        method: "POST",
        json: {...record, labeler, ...("skip" in record ? {} : {consent: person.consent})},
    });
    return {...stored, labeler};
}

/** Takes a record back, as the person who stored it. One that is gone already is no error. */
export async function takeBack({id, labeler = person.labeler}) {
    try {
        await call(`v1/feedback/${id}${query({labeler})}`, {method: "DELETE"});
    } catch (error) {
        if (error.status !== 404) { throw error; }
    }
}

/** Counters and agreement. */
export const summary = () => call(`v1/feedback/summary${query({labeler: person?.labeler})}`);

/** How many rankings each of two policies has won, and whether people prefer one. */
export const blindTest = (first, second) => call(`v1/feedback/blind-test${query({first, second})}`);
