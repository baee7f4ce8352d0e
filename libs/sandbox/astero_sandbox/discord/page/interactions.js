// Sending an interaction as the present person, and showing what comes back besides messages.

import { post } from "./api.js";
import { notice } from "./messages.js";
import { openModal } from "./modals.js";
import { state } from "./state.js";
import { text } from "./texts.js";

const SILENT = 6;

// Messages arrive by the stream of events; what is left are modals and failures.
export async function interact(channelId, body) {
  let seen;
  try {
    seen = await post(`/channels/${channelId}/interactions`, { userId: state.personaId, ...body });
  } catch (error) {
    notice(error.message, { bad: true });
    return null;
  }
  if (seen.refused) notice(text("notAllowed"), { bad: true });
  else if (seen.timeout) notice(text("noResponse"), { bad: true });
  else if (seen.modal) openModal(channelId, body.applicationId, seen.modal);
  else if (!seen.message && !seen.choices && seen.type !== SILENT) notice(text("silent"));
  return seen;
}
