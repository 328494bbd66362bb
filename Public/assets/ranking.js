export function prepareRanking() {}
export function openRanking() {}
export function addRankingFiles() {}
export function compareMessages() {}
