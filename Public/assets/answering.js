// Asking the server for an answer, and taking it down while it comes.

import {policyOf, send} from "./api.js";
import {announce} from "./dom.js";
import {dataUrl, requestLimits} from "./images.js";
import {currentPolicy, settledPolicy} from "./policies.js";
import {changed, grown, keep, session} from "./session.js";
import {sampling, setting} from "./settings.js";
import {loadImage} from "./storage.js";
import {events} from "./stream.js";
import * as tree from "./tree.js";

/** The messages of a dialogue for the server, down to a node. */
export async function messages(conversation, node) {
    const result = [];
    let images = 0, bytes = 0;
    for (const {role, text, images: kept} of tree.pathTo(conversation, node)) {
        if (role !== "user" || kept.length === 0) {
            result.push({role, content: text});
            continue;
        }
        const parts = [];
        for (const {id, name} of kept) {
            const blob = await loadImage(id);
            if (!blob) { throw new Error(`The image “${name}” is no longer in this browser.`); }
            images += 1;
            bytes += blob.size;
            const part = {type: "image_url", image_url: {url: await dataUrl(blob)}};
            if (setting("detail")) { part.image_url.detail = setting("detail"); }
            parts.push(part);
        }
        result.push({role, content: [...parts, {type: "text", text}]});
    }
    if (images > requestLimits.images) {
        throw new Error(`This conversation has ${images} images; the server takes ${
            requestLimits.images} at once. Begin a new one.`);
    }
    if (bytes > requestLimits.bytes) {
        throw new Error("The images of this conversation are together too large. Begin a new one.");
    }
    return result;
}

/** The body of a chat request. Each answer names its seed, so that it can be drawn again. */
async function request(conversation, node, policy, version) {
    const {detail, ...values} = sampling();
    const hasImages = tree.pathTo(conversation, node).some(({images}) => images?.length > 0);
    const defaults = hasImages ? policy?.defaults : policy?.text_defaults ?? policy?.defaults;
    // A second answer at temperature 0 would be the first one again.
    if (values.temperature === undefined && defaults?.temperature === 0 && (version > 0 || setting("best_of") > 1)) {
        values.temperature = 1;
    }
    const seed =
        setting("seed") === undefined ? crypto.getRandomValues(new Uint32Array(1))[0] : setting("seed") + version;
    return {model: policy?.id, messages: await messages(conversation, node), ...values, seed};
}

/** Writes a new answer to a question of the conversation that is shown. */
export async function answer(question) {
    const {conversation} = session;
    const version = (conversation.children[question.id] ?? []).length;
    const node = tree.add(
        conversation, question.id,
        {role: "assistant", text: "", status: "running", model: currentPolicy()?.id, created: Date.now()});
    const controller = new AbortController();
    session.running = {node, conversation, controller};
    changed({isFollowing: true});
    await keep(conversation);
    const started = performance.now();
    try {
        const policy = await settledPolicy();
        node.model = policy?.id;
        const json = await request(conversation, question, policy, version);
        node.seed = json.seed;
        if (json.temperature !== undefined) { node.temperature = json.temperature; }
        if (setting("best_of") > 1) {
            await drawBest(node, json, controller.signal);
        } else {
            await stream(node, json, controller.signal, started);
        }
    } catch (error) {
        if (controller.signal.aborted) {
            node.status = "stopped";
            announce("Stopped.");
        } else {
            node.status = "failed";
            node.error = error.message;
        }
    }
    session.running = null;
    changed({isFollowing: session.conversation === conversation});
    // It may have been deleted meanwhile.
    if (session.conversations.includes(conversation)) { await keep(conversation); }
}

async function stream(node, json, signal, started) {
    const response = await send("v1/chat/completions", {
        method: "POST",
        json: {...json, stream: true, stream_options: {include_usage: true}},
        signal,
    });
    Object.assign(node, policyOf(response));
    const speech = speaker();
    let last = 0;
    const frames = events(response.body);
    for (;;) {
        const {value, done} = await frames.next();
        if (done) {
            if (!value) { throw new Error("The answer was cut short: the connection ended early."); }
            break;
        }
        if (value.error) { throw new Error(value.error.message); }
        const choice = value.choices[0];
        if (choice?.delta.content) {
            node.text += choice.delta.content;
            last = performance.now();
            node.firstMs ??= last - started;
            speech.add(choice.delta.content);
            grown(node);
        }
        if (choice?.finish_reason) { node.finish = choice.finish_reason; }
        if (value.usage) { record(node, value.usage); }
    }
    if (node.tokens > 1 && last - started > node.firstMs) {
        node.rate = (node.tokens - 1) / ((last - started - node.firstMs) / 1000);
    }
    speech.finish();
    node.status = "done";
}

function record(node, usage) {
    node.tokens = usage.completion_tokens;
    node.seen = usage.prompt_tokens_details?.images;
}

/** Draws several answers and takes the one that the reward model prefers. */
async function drawBest(node, json, signal) {
    const response =
        await send("v1/chat/completions", {method: "POST", json: {...json, n: setting("best_of")}, signal});
    Object.assign(node, policyOf(response));
    const drawn = await response.json();
    const answers = drawn.choices.map(({message}) => message.content);
    const scores = await send("v1/reward", {method: "POST", json: {messages: json.messages, answers}, signal});
    const {data} = await scores.json();
    const best = data.reduce((best, entry) => (entry.reward > best.reward ? entry : best));
    record(node, drawn.usage);
    node.text = answers[best.index];
    node.finish = drawn.choices[best.index].finish_reason;
    node.bestOf = {count: answers.length, reward: best.reward};
    node.status = "done";
    announce(node.text);
}

/** Tells a screen reader whole sentences, each once, while the answer grows. */
function speaker() {
    let waiting = "";
    return {
        add(text) {
            waiting += text;
            const end = Math.max(...[". ", "! ", "? ", "\n"].map((mark) => waiting.lastIndexOf(mark)));
            if (end > 0) {
                announce(waiting.slice(0, end + 1).trim());
                waiting = waiting.slice(end + 1);
            }
        },
        finish() {
            if (waiting.trim() !== "") { announce(waiting.trim()); }
        },
    };
}
