// The policies that the server offers: the choice, where a policy comes from, and which generation is served.

import {call} from "./api.js";
import {byId, make, notify} from "./dom.js";
import {showDefaults} from "./settings.js";
import {recall, remember} from "./storage.js";

/** The policies whose knowledge the page describes. */
const shipped = ["ppo", "sft"];

/** What `/v1/models` lists, the default policy first. */
let policies = [];
const listeners = [];

export const allPolicies = () => policies;

/** The policy of this name; undefined if the server does not list it. */
export const policyNamed = (name) => policies.find(({id}) => id === name);

/** The policy that is chosen; undefined while the list is not there. */
export const currentPolicy = () => policyNamed(byId("model").value) ?? policies[0];

/** The chosen policy, once the list is there; throws `ApiError` if the server does not give it. */
export async function settledPolicy() {
    if (policies.length === 0) { await loadPolicies(); }
    return currentPolicy();
}

/** Whether the page's sentence about the shipped policies holds for this one. */
export const isShipped = (policy) => shipped.includes(policy?.id);

export function whenPoliciesChange(listener) { listeners.push(listener); }

function changed() {
    showDefaults(currentPolicy());
    for (const listener of listeners) { listener(); }
}

/** Reads the list again; throws `ApiError`. */
export async function loadPolicies() {
    policies = (await call("v1/models")).data.filter(({chat}) => chat !== false);
    const chosen = recall("policy", "");
    byId("model").replaceChildren(...policies.map(({id}) => new Option(id, id, false, id === chosen)));
    changed();
}

export function preparePolicies() {
    byId("model").addEventListener("change", () => {
        remember("policy", byId("model").value);
        changed();
    });
    byId("about-policy").addEventListener("click", () => {
        describe(currentPolicy());
        byId("policy").showModal();
    });
}

// The panel about a policy

/** What the panel words itself, or what says nothing to a reader. */
const known = new Set([
    "id",
    "object",
    "type",
    "created",
    "created_at",
    "display_name",
    "owned_by",
    "root",
    "parent",
    "max_model_len",
    "generation",
    "image",
    "chat",
    "defaults",
    "text_defaults",
    "digests",
]);

const words = (name) => name.replaceAll("_", " ").replace(/^./, (letter) => letter.toUpperCase());

function describe(policy) {
    const body = byId("policy-body");
    byId("policy-title").textContent = policy ? `${policy.id}, generation ${policy.generation}` : "No policy";
    if (!policy) {
        body.replaceChildren(make("p", {text: "The list of policies has not come yet."}));
        return;
    }
    const vision = policy.image;
    const facts = make(
        "dl", {class: "facts"}, ...fact("Comes from", lineage(policy)),
        ...fact("Made", new Date(policy.created * 1000).toLocaleString()),
        ...fact("Context", `${policy.max_model_len} tokens`),
        ...fact(
            "Images",
            vision ? `tiles of ${vision.view_size} × ${vision.view_size} pixels, ${
                         vision.tokens_per_view} tokens each, at most ${vision.max_views} per image${
                         vision.reads_text ? "; it reads the text in them" : ""}` :
                     "cannot see"),
        ...fact("Sampling", list(policy.defaults ?? {})),
        ...fact("Sampling without an image", list(policy.text_defaults ?? {})));
    const others = Object.entries(policy).filter(([name, value]) => !known.has(name) && value !== null);
    const sections = others.map(([name, value]) => make("section", {}, make("h3", {text: words(name)}), tree(value)));
    const absent = others.length === 0 ?
        make("p", {class: "quiet", text: "The server says nothing about its training data and metrics."}) :
        null;
    const digests = policy.digests ?
        make("details", {}, make("summary", {text: "Digests of the weights"}), tree(policy.digests)) :
        null;
    body.replaceChildren(...[facts, ...sections, absent, digests, generations(policy)].filter(Boolean));
}

function fact(name, value) { return [make("dt", {text: name}), make("dd", {}, value)]; }

/** The chain of parents, as far as the server lists them. */
function lineage(policy) {
    const chain = [];
    for (let at = policy; at?.parent && chain.length < 20; at = policyNamed(at.parent)) { chain.push(at.parent); }
    return chain.length > 0 ? chain.join(" ← ") : "nothing: it is the base model";
}

/** A number as it was meant: the server's have the precision of 32 bits. */
const rounded = (value) => (typeof value === "number" ? Number(value.toPrecision(6)) : value);

const list = (values) =>
    Object.entries(values).map(([name, value]) => `${name.replaceAll("_", " ")} ${rounded(value)}`).join(", ");

/** Any JSON as terms and lists, to a depth that a reader can follow. */
function tree(value, depth = 0) {
    if (value === null || typeof value !== "object" || depth > 5) {
        const text =
            value !== null && typeof value === "object" ? JSON.stringify(value) : String(rounded(value) ?? "unknown");
        return make("span", {text, class: /^[0-9a-f]{40,}$/.test(text) ? "digest" : null});
    }
    if (Array.isArray(value)) { return make("ul", {}, ...value.map((item) => make("li", {}, tree(item, depth + 1)))); }
    const rows = Object.entries(value).flatMap(([name, item]) => fact(words(name), tree(item, depth + 1)));
    return make("dl", {class: "facts"}, ...rows);
}

// Generations: which one is served, and back to an older one

function generations(policy) {
    const list = make("div", {class: "column"});
    const section = make(
        "details", {}, make("summary", {text: "Serve another generation"}), make("p", {
            class: "quiet",
            text: "Needs a key with the scope “admin”. A running answer ends with the generation it began with."
        }),
        list);
    section.addEventListener("toggle", () => {
        if (section.open) { showGenerations(policy.id, list); }
    });
    return section;
}

async function showGenerations(name, list) {
    list.replaceChildren(make("p", {text: "Loading…"}));
    try {
        const entry = (await call("v1/admin/policies")).data.find((policy) => policy.name === name);
        const rows = (entry?.generations ?? []).toReversed().map((generation) => {
            const isServed = generation === entry.generation;
            const button = make("button", {
                type: "button",
                text: "Serve this one",
                "aria-label": `Serve generation ${generation}`,
                on: {click: () => publish(name, generation, list)},
            });
            return make(
                "li", {}, make("span", {text: `Generation ${generation}`}),
                isServed ? make("strong", {text: "served now"}) : button);
        });
        list.replaceChildren(
            rows.length > 0 ? make("ul", {class: "rows"}, ...rows) :
                              make("p", {text: "There are no generations of this policy."}));
    } catch (error) { list.replaceChildren(make("p", {class: "error", text: error.message})); }
}

async function publish(name, generation, list) {
    try {
        const {previous} = await call("v1/admin/policies", {method: "POST", json: {name, generation}});
        notify(`${name} now answers with generation ${generation}; it was ${previous}.`);
        await loadPolicies();
        await showGenerations(name, list);
    } catch (error) { list.append(make("p", {class: "error", role: "alert", text: error.message})); }
}
