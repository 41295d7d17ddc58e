export { readBytes } from './node/bytes.js';
export { combineHashes, hashFile, hashInput } from './node/hash.js';
export { type ReadLogOptions, readCandidates, readLog, readTargetLogProbs, readText } from './node/read-log.js';
export { readLogChunks } from './node/read-log-chunks.js';
export { rewriteLog } from './node/rewrite-log.js';
export { type Data, withTemporary, writeFileAtomic } from './node/write-atomic.js';
