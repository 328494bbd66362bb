// The page's beginning: tabs, dialogs, the key, and files that are dropped or pasted anywhere.

import {setKey, whenKeyIsNeeded} from "./api.js";
import {addFiles} from "./composer.js";
import {checkFeedback, prepareConversation} from "./conversation.js";
import {byId, notify, prepareDialog} from "./dom.js";
import {loadPolicies, preparePolicies} from "./policies.js";
import {addRankingFiles, compareMessages, openRanking, prepareRanking} from "./ranking.js";
import {prepareSettings} from "./settings.js";

// Tabs

const tabs = [...document.querySelectorAll("[role=tab]")];
const panelOf = (tab) => byId(tab.getAttribute("aria-controls"));

function select(chosen) {
    for (const tab of tabs) {
        const isChosen = tab === chosen;
        tab.setAttribute("aria-selected", String(isChosen));
        tab.tabIndex = isChosen ? 0 : -1;
        panelOf(tab).hidden = !isChosen;
    }
    document.body.dataset.tab = panelOf(chosen).id;
    history.replaceState(null, "", `#${panelOf(chosen).id}`);
    if (chosen.id === "tab-ranking") { openRanking(); }
}

const isRanking = () => byId("tab-ranking").getAttribute("aria-selected") === "true";

for (const [index, tab] of tabs.entries()) {
    tab.addEventListener("click", () => select(tab));
    tab.addEventListener("keydown", (event) => {
        const step = {ArrowRight: 1, ArrowLeft: -1}[event.key];
        if (!step) { return; }
        event.preventDefault();
        const next = tabs[(index + step + tabs.length) % tabs.length];
        next.focus();
        select(next);
    });
}

// Dialogs

for (const dialog of document.querySelectorAll("dialog")) { prepareDialog(dialog); }
byId("settings-open").addEventListener("click", () => byId("settings").showModal());

// The key

whenKeyIsNeeded((reason) => {
    byId("key-error").textContent = reason;
    if (byId("key-form").hidden) {
        byId("key-form").hidden = false;
        byId("key").focus();
    }
});
byId("key-form").addEventListener("submit", (event) => {
    event.preventDefault();
    setKey(byId("key").value);
    byId("key-error").textContent = "";
    byId("key-form").hidden = true;
    ask();
});

// Files from outside

const hasFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
const give = (files) => (isRanking() ? addRankingFiles(files) : addFiles(files));

document.addEventListener("dragover", (event) => {
    if (!hasFiles(event)) { return; }
    event.preventDefault();
    document.body.classList.add("over");
});
document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) { document.body.classList.remove("over"); }
});
document.addEventListener("drop", (event) => {
    if (!hasFiles(event)) { return; }
    event.preventDefault();
    document.body.classList.remove("over");
    give(event.dataTransfer.files);
});
document.addEventListener("paste", (event) => {
    if (event.clipboardData.files.length > 0) { give(event.clipboardData.files); }
});

// The beginning

/** Asks the server what it offers: at the start, and again with a key. */
async function ask() {
    try {
        await loadPolicies();
        await checkFeedback();
        if (isRanking()) { openRanking(); }
    } catch (error) {
        // For want of a key the page asks already.
        if (error.status !== 401) { notify(error.message); }
    }
}

prepareSettings();
preparePolicies();
prepareRanking();
await prepareConversation({
    compare: (messages) => {
        select(byId("tab-ranking"));
        byId("tab-ranking").focus();
        compareMessages(messages);
    },
});
select(tabs.find((tab) => `#${panelOf(tab).id}` === location.hash) ?? tabs[0]);
ask();
