"""Who may ask what, written down a second time from the design's table, by nobody's code.

A letter for each role: (P)articipant, (A)dviser, deal (O)wner, (S)ecurity officer, app(R)over,
(C)ounsel, operator (X), a (B)ot and a company's (D)irectory, whose tokens stand for them. A second
word is who may about himself, where the first is who may about others (``-``: nobody). ``!`` stands
before what takes a proof just given.

Whoever adds an operation adds its line, from what people are to see and do, not from
``orchestrator/api/access.py``: the two are held against each other.
"""

_NOBODY_YET = """
    session_link gate_ended passkey_ask passkey_sign sign_in_ways
    device_begin device_token oidc_begin oidc_back oidc_back_channel key_upload key_upload_look
    webhook_post
"""
NOBODY_YET = frozenset(_NOBODY_YET.split())
"""Open to whoever is not signed in."""

_HOME_ALONE = """
    status checks allowed channel_list channel_test channel_pause channel_resume
    channel_rebuild channel_rotate
    quarantine_list quarantine_show quarantine_drop quarantine_admit person_phished
    deal_new conv_new conv_room_add journal_key_add journal_exempt
    audit_lines audit_export evidence_export journal_export leave_proof
    replay_start replay_accept replay_report
    desk_link desk_home_link desk_end_all directory_list backup_create
"""
HOME_ALONE = frozenset(_HOME_ALONE.split())
"""For the home's own user, and for nobody at the desk."""

_LINES = """
    openapi             PAOSRCX
    me                  PAOSRCX
    session_show        PAOSRCX
    session_alive       PAOSRCX
    session_end         PAOSRCX
    passkey_new_ask     PAOSRCX
    passkey_new         !PAOSRCX
    device_confirm      !PAOSRCX
    key_export          PAOSRCX
    oidc_end            PAOSRCX

    # lists that are cut: whoever has a seat asks, and is told what is his
    events              PAOSRCX
    deal_list           PAOSRCX
    held_list           PAOSRCX
    approval_list       PAOSRCX
    approval_show       PAOSRCX
    memberships         PAOSRCX
    person_card         PAOSRCX
    person_keeps        PAOSRCX
    own_signing         PAOSRCX

    # the deal's name and phase; an operator knows its name alone
    deal_show           PAOSRC
    signing_show        PAOSRC
    deal_overview       PAOSRCX
    deal_needs          PAOSRCX

    # members of conversations that one is in
    conv_list           PAOSRC
    conv_show           PAOSRC

    # the whole matrix, and what shows it
    in_force            OSC
    roster_history      OSC
    roster_once         OSC
    could_see           OSC
    who_could_see       OSC
    person_list         OSC
    person_show         OSC
    person_insiders     OSC
    person_call_back    OSC
    leave_list          OSC
    leave_show          OSC
    plan                OSC
    plan_run            OSC
    roster_review       OSC

    # add a person, raise a tier: two people, one of whom asks
    adopt/roster        OS
    deal_phase          OS
    person_access       OS
    person_cross        OS
    person_ack          OS
    person_resume       OS
    leave_undo          OS
    conv_resume         !OS
    deal_found          OS
    approver_proof      OS
    approver_enrol      OS
    signing_offer       OS
    person_add          POS
    list_parts          POS

    # remove, lower, pause: alone
    person_cleanse      OS
    conv_pause          OS
    conv_tier           OS
    conv_close          OS
    plan_apply          OS
    plan_start          OS
    signing_set         OS
    window_close        OS
    person_pause        OS      PAOS
    person_lost         OS      PAOS
    leave               OS      PAOS
    key_mark            OS      PAOS
    approver_withdraw   OS      PAOS
    desk_end            OS      PAOS
    login_end           OS      PAOS
    own_leave           PAOS

    # own access and devices
    own                 PAOSRC
    own_new_phone       PAOS
    own_not_me          PAOS
    own_phished         PAOS
    own_key_proof       PAOSRC
    own_key_enrol       PAOSRC
    person_agree        PAOSRC

    # findings
    risk_show           POSCX
    risk_rules          POSCX
    finding_list        POSC
    finding_show        POSC
    finding_answer      POSC
    finding_accept      OS
    conv_attest         OS

    # held messages
    held_desk           PAOSRCX
    message_show        OSC     PAOSC
    held_move           OSC     PAOSC
    held_drop           OSC     PAOSC
    held_release        OSC     PAOSC
    held_desk_move      OSC     PAOSC
    held_desk_drop      OSC     PAOSC
    held_desk_ask       OSC     PAOSC
    held_reveal_ask     OSC
    held_reveal_open    !OSC
    delivery_retry      OSC     PAOSC

    # who is called when something is held or found
    on_call_show        POSC
    alert_list          POSC
    alert_answer        POSC
    on_call_set         OS
    push_key            PAOSRCX
    push_add            PAOSRC
    push_drop           PAOSRC

    # bots' tokens, what was prevented, and who reads what
    token_list          OS
    token_new           !S
    token_revoke        S
    prevented_show      OSC
    prevented_report    OSC
    prevented_closing   OSC
    prevented_link      OSC
    prevented_fetch     OSC
    who_reads           OSCX

    # what a directory says of who works there
    scim_config         D
    scim_types          D
    scim_type           D
    scim_schemas        D
    scim_schema         D
    scim_list           D
    scim_search         D
    scim_new            D
    scim_show           D
    scim_replace        D
    scim_patch          D
    scim_drop           D

    # rules
    adopt/policy        SC
    tier_list           OSC
    tier_explain        OSC
    rules_simulate      OSC
    watch_size          OSC
    watch_add           OSC
    window_new          OSC
    deal_closing        OSC
    deal_close          !OS
    legal_hold_list     OSC
    legal_hold_new      OSC
    legal_hold_release  OSC

    # keys and channel accounts
    key_list            PAS
    key_show            PAS
    key_lapsing         PAS
    key_replace         S       PAS
    key_add             S       PAS
    login_list          S       PAS
    person_new_phone    S       PAS
    key_verify          !S
    person_enrol        !S
    delivery_list       OSCX
    key_link            !SX
    desk_channels       OSCX
    desk_channel_pause  X
    desk_channel_again  X

    # the audit trail
    audit_rows          PAOSRCX
    audit_search        PAOSRCX
    audit_chain         PAOSRCX
    audit_tail          OSC
    audit_verify        OSC
    audit_state         OSC
    evidence_show       OSC
    journal_verify      OSC
    person_attest       OSC
    export_list         SC
    export_ask          !SC
    export_link         SC
    export_fetch        SC

    # approvals
    approver_list       OSRC
    window_list         OSRC
    desk_approvals      OSRC
    desk_approval       OSRC
    desk_approval_sign  OSRC
    desk_approval_back  OSRC
    approval_answer     PAOSRC
    approval_take_back  PAOSRCX

    # sending
    send_text           PAB
    send_file           PA
    document_send       P
    desk_documents      PAOSC
    document_list       OSC
    document_show       OSC
    document_recall     OS      PAOS
    document_known      PAOSC
    copy_take           -       P
"""


def _read() -> dict[str, tuple[str, str, bool]]:
    found = {}
    for line in _LINES.splitlines():
        words = line.partition("#")[0].split()
        if not words:
            continue
        name, others, *own = words
        fresh, others = others.startswith("!"), others.removeprefix("!")
        nobody = others == "-"
        found[name] = "" if nobody else others, own[0] if own else others, fresh
    return found


MAY = _read()
"""By operation (``adopt/<kind>``): who about others, who about himself, by a fresh proof or not."""
