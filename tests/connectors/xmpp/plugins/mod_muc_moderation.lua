-- XEP-0425: a moderator takes a message out of a room's archive, and all are told of it.
-- Written for the tests: Prosody itself brings no such module.

local st = require "util.stanza";
local jid = require "util.jid";
local datetime = require "util.datetime".datetime;
local new_id = require "util.id".medium;

local MODERATE, RETRACT = "urn:xmpp:message-moderate:1", "urn:xmpp:message-retract:1";
local get_room = module:depends "muc".get_room_from_jid;
local archive = module:open_store("muc_log", "archive");

module:hook("muc-disco#info", function (event)
	event.reply:tag("feature", { var = MODERATE }):up();
end);

local function find(node, id)
	for key, item, when, with in archive:find(node, {}) do
		if key == id then return item, when, with; end
	end
end

module:hook("iq-set/bare/" .. MODERATE .. ":moderate", function (event)
	local stanza, origin = event.stanza, event.origin;
	local room = get_room(stanza.attr.to);
	if not room then
		origin.send(st.error_reply(stanza, "cancel", "item-not-found"));
		return true;
	end
	local affiliation = room:get_affiliation(jid.bare(stanza.attr.from));
	if affiliation ~= "owner" and affiliation ~= "admin" then
		origin.send(st.error_reply(stanza, "auth", "forbidden"));
		return true;
	end
	local id, node = stanza.tags[1].attr.id, jid.split(room.jid);
	local item, when, with = find(node, id);
	if not item then
		origin.send(st.error_reply(stanza, "cancel", "item-not-found"));
		return true;
	end
	local by = room:get_occupant_jid(stanza.attr.from);
	local tombstone = st.message({ from = item.attr.from, type = "groupchat", id = item.attr.id })
		:tag("retracted", { xmlns = RETRACT, stamp = datetime() })
		:tag("moderated", { xmlns = MODERATE, by = by }):up():up();
	for x in item:childtags("x", "http://jabber.org/protocol/muc#user") do
		tombstone:add_child(st.clone(x));
	end
	archive:set(node, id, tombstone, when, with);
	room:broadcast_message(st.message({ from = room.jid, type = "groupchat", id = new_id() })
		:tag("retract", { xmlns = RETRACT, id = id })
		:tag("moderated", { xmlns = MODERATE, by = by }):up():up());
	origin.send(st.reply(stanza));
	return true;
end);
