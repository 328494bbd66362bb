// How answers are drawn, as the user set it. What is left empty is the policy's own default.

import {byId} from "./dom.js";
import {recall, remember} from "./storage.js";

/** The numbers of the form by their name on the wire, with their limits. */
const numbers = {
    temperature: {least: 0, most: 2},
    top_p: {least: 0.01, most: 1},
    max_tokens: {least: 1, most: 1_000_000, isWhole: true},
    seed: {least: 0, most: Number.MAX_SAFE_INTEGER, isWhole: true},
    best_of: {least: 1, most: 16, isWhole: true},
};

let values = recall("settings", {});

/** The setting of this name; undefined if it is left to the policy. */
export const setting = (name) => values[name];

/** The settings that every route that draws answers takes. */
export function sampling() {
    const {temperature, top_p: topP, max_tokens: maxTokens, detail} = values;
    return {temperature, top_p: topP, max_tokens: maxTokens, detail};
}

/** Fills the form, and keeps what the user changes. */
export function prepareSettings() {
    for (const [name, {least, most, isWhole}] of Object.entries(numbers)) {
        const input = byId(`setting-${name}`);
        input.value = values[name] ?? "";
        input.addEventListener("change", () => {
            const number = Number(input.value);
            const isGood =
                Number.isFinite(number) && number >= least && number <= most && (!isWhole || Number.isInteger(number));
            const isEmpty = input.value.trim() === "" && !input.validity.badInput;
            input.setCustomValidity(
                isEmpty || isGood ? "" : `From ${least} to ${most}${isWhole ? ", without a fraction" : ""}`);
            input.reportValidity();
            if (isEmpty || isGood) { keep(name, isEmpty ? undefined : number); }
        });
    }
    const detail = byId("setting-detail");
    detail.value = values.detail ?? "";
    detail.addEventListener("change", () => keep("detail", detail.value || undefined));
    const shortcuts = byId("setting-shortcuts");
    shortcuts.checked = values.shortcuts !== false;
    shortcuts.addEventListener("change", () => keep("shortcuts", shortcuts.checked ? undefined : false));
    byId("settings-reset").addEventListener("click", () => {
        values = {};
        remember("settings", null);
        for (const name of Object.keys(numbers)) {
            byId(`setting-${name}`).value = "";
            byId(`setting-${name}`).setCustomValidity("");
        }
        detail.value = "";
        shortcuts.checked = true;
    });
}

function keep(name, value) {
    values = {...values, [name]: value};
    remember("settings", values);
}

/** Shows a policy's defaults where the user left a setting empty. */
export function showDefaults(policy) {
    // The server's numbers have the precision of 32 bits.
    const text = (value) => (value === undefined ? "policy's" : String(Number(value.toPrecision(6))));
    for (const name of ["temperature", "top_p", "max_tokens"]) {
        const images = text(policy?.defaults?.[name]), others = text(policy?.text_defaults?.[name]);
        byId(`setting-${name}`).placeholder = images === others ? images : `${images} (text: ${others})`;
    }
}
