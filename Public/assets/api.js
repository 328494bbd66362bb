// The server's routes as functions. Errors carry the server's own words.

/** A refusal by the server, or the reason why it was not reached. */
export class ApiError extends Error {
    /** `status` is 0 where no answer came. */
    constructor(message, status, code = null) {
        super(message);
        this.status = status;
        this.code = code;
    }
}

// The key lives as long as the tab is open; the server never sets anything.
let key = sessionStorage.getItem("apus.key") ?? "";
let onKeyNeeded = () => {};

export const hasKey = () => key !== "";

export function setKey(text) {
    key = text.trim();
    sessionStorage.setItem("apus.key", key);
}

/** `listener` is called when the server wants a key, or a better one. */
export function whenKeyIsNeeded(listener) { onKeyNeeded = listener; }

/**
 * Sends a request. Returns the response if the server accepted it; throws `ApiError` if not, and whatever `fetch`
 * throws after `signal` fired.
 */
export async function send(path, {method = "GET", json, signal} = {}) {
    const headers = {};
    if (key !== "") { headers.Authorization = `Bearer ${key}`; }
    if (json !== undefined) { headers["Content-Type"] = "application/json"; }
    let response;
    try {
        response =
            await fetch(path, {method, headers, signal, body: json === undefined ? undefined : JSON.stringify(json)});
    } catch (error) {
        if (signal?.aborted) { throw error; }
        throw new ApiError("The server cannot be reached, or the connection broke.", 0);
    }
    if (response.ok) { return response; }
    const refusal = await refusalOf(response);
    if (response.status === 401) { onKeyNeeded(hasKey() ? refusal.message : ""); }
    throw refusal;
}

async function refusalOf(response) {
    try {
        const {error} = await response.json();
        return new ApiError(error.message, response.status, error.code);
    } catch { return new ApiError(`The server answered with status ${response.status}.`, response.status); }
}

/** Sends a request and reads the JSON of its reply. */
export const call = async (path, options) => (await send(path, options)).json();

/** A query string of the values that are there. */
export function query(values) {
    const items = Object.entries(values).filter(([, value]) => value !== undefined && value !== null && value !== "");
    return items.map(([name, value], index) => `${index === 0 ? "?" : "&"}${name}=${encodeURIComponent(value)}`)
        .join("");
}

/** The policy and its generation that a reply came from, as its header says. */
export function policyOf(response) {
    const match = /^(.+)@(\d+)$/.exec(response.headers.get("apus-policy") ?? "");
    return match ? {model: match[1], generation: Number(match[2])} : {};
}
