import { type Destination, leadsBack } from "./destination.js";
import type { Group } from "./response-context.js";
import type { Self } from "./self.js";

/**
 * Shares the Max-Breadth of a request out among those of its targets that lead back to this server, whether they are tried at
 * once or in turn, so that a share once given is not given again. RFC 5393 §5.3.3 bounds the branches that are there at the
 * same time alone; users who register each other would have theirs follow each other without end. So all that comes of one
 * request has no more leaves than its Max-Breadth says. A target for which nothing is left has a `breadth` of 0: it is not
 * tried, as if it had answered 440. All other targets stay as they are.
 */
export function shareOut(groups: readonly Group[], maxBreadth: number, self: Self): readonly Group[] {
  const back = new Set<Destination>();
  for (const group of groups)
    for (const candidate of group)
      for (const destination of candidate) if (leadsBack(destination, self)) back.add(destination);
  // one alone may have all there is
  if (back.size < 2) return groups;
  const share = Math.floor(maxBreadth / back.size);
  let spare = maxBreadth % back.size;
  const shareOf = (destination: Destination): Destination =>
    back.has(destination) ? { ...destination, breadth: spare-- > 0 ? share + 1 : share } : destination;
  return groups.map((group) => group.map((candidate) => candidate.map(shareOf)));
}
