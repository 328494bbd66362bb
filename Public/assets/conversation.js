// The conversation panel: its parts, put together.

import {messages} from "./answering.js";
import {edit, prepareComposer} from "./composer.js";
import {notify} from "./dom.js";
import {feedbackRefusal} from "./feedback.js";
import {prepareHistory} from "./history.js";
import {changed, restore, session} from "./session.js";
import {prepareThread} from "./thread.js";

/** Asks the server whether it keeps feedback: thumbs appear only then. */
export async function checkFeedback() {
    session.hasFeedback = (await feedbackRefusal()) === null;
    changed();
}

/** `compare` gets the messages of a dialogue whose answers are to be ranked. */
export async function prepareConversation({compare}) {
    prepareThread({
        edit,
        compare: async (question) => {
            try {
                compare(await messages(session.conversation, question));
            } catch (error) { notify(error.message); }
        },
    });
    prepareComposer();
    prepareHistory();
    await restore();
}
