// Markdown as models write it, made into elements. Text from a model only ever becomes text nodes; there is no HTML.
// Links are http and https alone, and show their address, so that no text can claim to lead elsewhere. Images are not
// loaded: their address would tell its server that the answer was read.

import {copyText, iconButton, make, notify} from "./dom.js";

/** Nesting beyond this stays text. */
const deepest = 6;

/** The elements of a text. */
export function render(text) {
    const fragment = document.createDocumentFragment();
    fragment.append(...blocks(text.replace(/\r\n?/g, "\n").split("\n"), 0));
    return fragment;
}

const patterns = {
    fence: /^ {0,3}(`{3,}|~{3,})\s*([\w+#.-]{0,30})/,
    heading: /^ {0,3}(#{1,6})\s+(.*?)\s*#*$/,
    rule: /^ {0,3}([-*_])(?:\s*\1){2,}\s*$/,
    quote: /^ {0,3}> ?/,
    item: /^( {0,3})([-*+]|\d{1,9}[.)])\s+/,
    divider: /^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$/,
};

function blocks(lines, depth) {
    const result = [];
    let index = 0;
    while (index < lines.length) {
        if (lines[index].trim() === "") {
            index += 1;
            continue;
        }
        const [node, next] = block(lines, index, depth);
        result.push(node);
        index = next;
    }
    return result;
}

/** The block that begins at a line that is not empty, and the index of the line after it. */
function block(lines, start, depth) {
    const line = lines[start];
    const fence = patterns.fence.exec(line);
    if (fence) { return codeBlock(lines, start, fence); }
    const heading = patterns.heading.exec(line);
    // The page's own headings end at the second level.
    if (heading) { return [make(`h${Math.min(6, heading[1].length + 2)}`, {}, ...inline(heading[2])), start + 1]; }
    if (patterns.rule.test(line)) { return [make("hr"), start + 1]; }
    if (depth < deepest) {
        if (patterns.quote.test(line)) { return quote(lines, start, depth); }
        if (patterns.item.test(line)) { return list(lines, start, depth); }
    }
    if (isTable(lines, start)) { return table(lines, start); }
    return paragraph(lines, start, depth);
}

/** A fence without an end holds the rest: while the answer streams, the end has not come yet. */
function codeBlock(lines, start, [, mark, language]) {
    let end = start + 1;
    while (end < lines.length && !(lines[end].trim().startsWith(mark) && /^[`~]+$/.test(lines[end].trim()))) {
        end += 1;
    }
    const text = lines.slice(start + 1, end).join("\n");
    const copy = iconButton("copy", "Copy the code", async () => {
        try {
            await copyText(text);
            notify("The code is copied.");
        } catch { notify("The browser does not allow copying here."); }
    });
    const head = make("div", {class: "code-head"}, make("span", {text: language || "code"}), copy);
    // Wide code scrolls, so it must be reachable by keyboard.
    const code =
        make("pre", {tabindex: "0", "aria-label": language ? `${language} code` : "code"}, make("code", {text}));
    return [make("div", {class: "code"}, head, code), end + 1];
}

function quote(lines, start, depth) {
    let end = start;
    while (end < lines.length && patterns.quote.test(lines[end])) { end += 1; }
    const inner = lines.slice(start, end).map((line) => line.replace(patterns.quote, ""));
    return [make("blockquote", {}, ...blocks(inner, depth + 1)), end];
}

function list(lines, start, depth) {
    const first = patterns.item.exec(lines[start])[2];
    const isNumbered = /\d/.test(first);
    const node =
        make(isNumbered ? "ol" : "ul", isNumbered && parseInt(first, 10) !== 1 ? {start: parseInt(first, 10)} : {});
    let index = start;
    while (index < lines.length) {
        const item = patterns.item.exec(lines[index]);
        if (!item || /\d/.test(item[2]) !== isNumbered || patterns.rule.test(lines[index])) { break; }
        const inner = [lines[index].slice(item[0].length)];
        index += 1;
        // Indented lines belong to the item, and so do empty ones between them.
        while (index < lines.length) {
            const isEmpty = lines[index].trim() === "";
            if (isEmpty && !/^ {2,}\S/.test(lines[index + 1] ?? "")) { break; }
            if (!isEmpty && !/^ {2,}|^\t/.test(lines[index])) { break; }
            inner.push(lines[index].replace(/^(\t| {1,4})/, ""));
            index += 1;
        }
        node.append(make("li", {}, ...itemContent(blocks(inner, depth + 1))));
        while (index < lines.length && lines[index].trim() === "" && patterns.item.test(lines[index + 1] ?? "")) {
            index += 1;
        }
    }
    return [node, index];
}

/** An item's first paragraph stands without one, as in a list of short items. */
function itemContent(nodes) {
    const [first, ...rest] = nodes;
    return first?.tagName === "P" ? [...first.childNodes, ...rest] : nodes;
}

function isTable(lines, start) {
    return lines[start].includes("|") && start + 1 < lines.length && lines[start + 1].includes("-")
        && lines[start + 1].length < 1_000 && patterns.divider.test(lines[start + 1]);
}

function table(lines, start) {
    const cells = (line) => line.trim().replace(/^\||\|$/g, "").split("|").map((cell) => cell.trim());
    let end = start + 2;
    while (end < lines.length && lines[end].includes("|") && lines[end].trim() !== "") { end += 1; }
    const columns = cells(lines[start]);
    const head = make("tr", {}, ...columns.map((cell) => make("th", {scope: "col"}, ...inline(cell))));
    const rows = lines.slice(start + 2, end).map((line) => {
        const row = cells(line).slice(0, columns.length);
        return make("tr", {}, ...row.map((cell) => make("td", {}, ...inline(cell))));
    });
    const whole = make("table", {}, make("thead", {}, head), make("tbody", {}, ...rows));
    return [make("div", {class: "wide", tabindex: "0", role: "group", "aria-label": "Table"}, whole), end];
}

function paragraph(lines, start, depth) {
    let end = start + 1;
    while (end < lines.length && lines[end].trim() !== "" && !begins(lines, end, depth)) { end += 1; }
    const node = make("p");
    lines.slice(start, end).forEach((line, index) => {
        if (index > 0) { node.append(make("br")); }
        node.append(...inline(line.trim()));
    });
    return [node, end];
}

function begins(lines, index, depth) {
    const line = lines[index];
    return patterns.fence.test(line) || patterns.heading.test(line) || patterns.rule.test(line)
        || (depth < deepest && (patterns.quote.test(line) || patterns.item.test(line)));
}

const marks = [
    ["**", "strong"],
    ["__", "strong"],
    ["~~", "del"],
    ["*", "em"],
    ["_", "em"],
];

/**
 * The nodes of a line. Each step takes at least one character, and looks for an end at most once a mark, so the time
 * is at most quadratic in the length of a line.
 */
function inline(text, depth = 0) {
    const nodes = [];
    let plain = "";
    const flush = () => {
        if (plain !== "") { nodes.push(document.createTextNode(plain)); }
        plain = "";
    };
    let index = 0;
    while (index < text.length) {
        const span = spanAt(text, index, depth);
        if (span) {
            flush();
            nodes.push(...span.nodes);
            index = span.end;
        } else {
            const isEscaped = text[index] === "\\" && /[!-/:-@[-`{-~]/.test(text[index + 1] ?? "");
            plain += isEscaped ? text[index + 1] : text[index];
            index += isEscaped ? 2 : 1;
        }
    }
    flush();
    return nodes;
}

/** A code span, a link or emphasis that begins here; undefined if none does. */
function spanAt(text, index, depth) {
    switch (text[index]) {
        case "`":
            return codeSpan(text, index);
        case "!":
            return text[index + 1] === "[" ? imageText(text, index) : undefined;
        case "[":
            return depth < deepest ? link(text, index) : undefined;
        case "h":
        case "H":
            return bareLink(text, index);
        case "*":
        case "_":
        case "~":
            return depth < deepest ? emphasis(text, index, depth) : undefined;
        default:
            return undefined;
    }
}

function codeSpan(text, index) {
    const mark = /^`+/.exec(text.slice(index, index + 8))[0];
    const end = text.indexOf(mark, index + mark.length);
    if (end < 0) { return undefined; }
    return {nodes: [make("code", {text: text.slice(index + mark.length, end).trim()})], end: end + mark.length};
}

/** `[label](address "title")`; an address may end with a pair of parentheses. */
const target =
    /^\[([^[\]]{0,500})\]\(\s*<?([^\s()<>]{1,2000}(?:\([^\s()<>]{0,500}\))?)>?(?:\s+["'][^"']{0,500}["'])?\s*\)/;

/** The address if it is one that a reader may follow, in the form that the browser will use. */
function safeAddress(text) {
    try {
        const address = new URL(text);
        return ["http:", "https:"].includes(address.protocol) && address.username === "" ? address.href : undefined;
    } catch { return undefined; }
}

const anchor = (address, text) => make(
    "a", {href: address, rel: "noopener noreferrer nofollow", target: "_blank", referrerpolicy: "no-referrer", text});

function link(text, index) {
    const match = target.exec(text.slice(index, index + 4_000));
    if (!match) { return undefined; }
    const [whole, label, written] = match;
    const address = safeAddress(written);
    if (!address) { return {nodes: [document.createTextNode(whole)], end: index + whole.length}; }
    const nodes = label === "" || label === written ?
        [anchor(address, address)] :
        [document.createTextNode(`${label} (`), anchor(address, address), document.createTextNode(")")];
    return {nodes, end: index + whole.length};
}

function imageText(text, index) {
    const match = target.exec(text.slice(index + 1, index + 4_000));
    if (!match) { return undefined; }
    return {nodes: [document.createTextNode(`!${match[0]}`)], end: index + 1 + match[0].length};
}

function bareLink(text, index) {
    if (index > 0 && /[\w/]/.test(text[index - 1])) { return undefined; }
    const match = /^https?:\/\/[^\s<>"'`]{1,2000}/i.exec(text.slice(index, index + 2_010));
    const written = match?.[0].replace(/[.,;:!?)\]*_~]+$/, "");
    const address = written && safeAddress(written);
    return address ? {nodes: [anchor(address, written)], end: index + written.length} : undefined;
}

function emphasis(text, index, depth) {
    const entry = marks.find(([mark]) => text.startsWith(mark, index));
    if (!entry) { return undefined; }
    const [mark, tag] = entry;
    const start = index + mark.length;
    // snake_case and 2 * 3 are not emphasis.
    if (/\s/.test(text[start] ?? " ") || (mark.includes("_") && /\w/.test(text[index - 1] ?? ""))) { return undefined; }
    const end = closing(text, start, mark);
    if (end < 0) { return undefined; }
    return {nodes: [make(tag, {}, ...inline(text.slice(start, end), depth + 1))], end: end + mark.length};
}

/** Where the mark closes: not after a space, and a single mark is not half of a double one. */
function closing(text, start, mark) {
    for (let at = text.indexOf(mark, start + 1); at >= 0; at = text.indexOf(mark, at + 1)) {
        const isHalf = mark.length === 1 && (text[at + 1] === mark || text[at - 1] === mark);
        const isInWord = mark.includes("_") && /\w/.test(text[at + mark.length] ?? "");
        if (!isHalf && !isInWord && !/\s/.test(text[at - 1])) { return at; }
    }
    return -1;
}
