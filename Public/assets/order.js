// An order with ties, as values: tiers from best to worst, and what is not placed yet. Each function returns a new
// order and leaves the given one as it was.

/** Nothing is placed. */
export const newOrder = (ids) => ({tiers: [], unplaced: [...ids]});

export const isComplete = ({unplaced}) => unplaced.length === 0;

/** The index of an answer's tier; -1 while it is not placed. */
export const tierOf = ({tiers}, id) => tiers.findIndex((tier) => tier.includes(id));

function without({tiers, unplaced}, id) {
    const keep = (ids) => ids.filter((other) => other !== id);
    return {tiers: tiers.map(keep), unplaced: keep(unplaced)};
}

/** The order without empty tiers, with the last answer placed: nothing is left to decide about it. */
function settled({tiers, unplaced}) {
    const full = tiers.filter((tier) => tier.length > 0);
    return unplaced.length === 1 && full.length > 0 ? {tiers: [...full, unplaced], unplaced: []} :
                                                      {tiers: full, unplaced};
}

/** Puts an answer below all that are placed. */
export function place(order, id) {
    const rest = without(order, id);
    return settled({tiers: [...rest.tiers, [id]], unplaced: rest.unplaced});
}

/** Puts an answer into a tier, beside what is there. */
export function putInto(order, id, index) {
    if (tierOf(order, id) === index) { return order; }
    const {tiers, unplaced} = without(order, id);
    return settled({tiers: tiers.map((tier, at) => (at === index ? [...tier, id] : tier)), unplaced});
}

/** Puts an answer into a tier of its own, above the tier that has this index now. */
export function putAbove(order, id, index) {
    const {tiers, unplaced} = without(order, id);
    return settled({tiers: [...tiers.slice(0, index), [id], ...tiers.slice(index)], unplaced});
}

/** Takes an answer out of the order. */
export function takeOut(order, id) {
    const {tiers, unplaced} = without(order, id);
    return {tiers: tiers.filter((tier) => tier.length > 0), unplaced: [...unplaced, id]};
}

/** Moves an answer up: out of its tie, or past the tier above. */
export function better(order, id) {
    const index = tierOf(order, id);
    if (index < 0) { return place(order, id); }
    const isTied = order.tiers[index].length > 1;
    return isTied || index > 0 ? putAbove(order, id, isTied ? index : index - 1) : order;
}

/** Moves an answer down: out of its tie, or past the tier below. */
export function worse(order, id) {
    const index = tierOf(order, id);
    if (index < 0) { return place(order, id); }
    const isTied = order.tiers[index].length > 1;
    const isLast = index === order.tiers.length - 1;
    return isTied || !isLast ? putAbove(order, id, isTied ? index + 1 : index + 2) : order;
}

/** Ties an answer with the tier above (the first one with the tier below), or ends its tie. */
export function toggleTie(order, id) {
    const index = tierOf(order, id);
    if (index < 0) { return order.tiers.length > 0 ? putInto(order, id, order.tiers.length - 1) : place(order, id); }
    if (order.tiers[index].length > 1) { return putAbove(order, id, index + 1); }
    if (order.tiers.length < 2) { return order; }
    return putInto(order, id, index > 0 ? index - 1 : 1);
}

/** All answers in one tier. */
export const allTied = ({tiers, unplaced}) => ({tiers: [[...tiers.flat(), ...unplaced]], unplaced: []});
