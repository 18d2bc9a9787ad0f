"""Every action, callback and block id, and the typed reference a button carries.

A button never carries facts, only which row it speaks of and which version its reader saw.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Action(enum.StrEnum):
    """`action_id` of buttons, menus and fields that send something when used."""

    # the approval card
    APPROVE = "approve"
    APPROVE_AND_BUY = "approve_and_buy"
    APPROVE_AND_WAIT = "approve_and_wait"
    CHANGE = "change_and_approve"
    DENY = "deny"
    ASK = "ask_question"
    APPROVAL_MORE = "approval_more"  # overflow: hand on, why me, dashboard
    DECIDE = "decide"  # a row of the list or of Home: opens the card as a modal
    APPROVE_SAFE = "approve_safe"
    # the requester's card
    WITHDRAW = "withdraw"
    ADD_NOTE = "add_note"
    REMIND = "remind"
    ANSWER = "answer_question"
    LEAVE_QUEUE = "leave_queue"
    URGENT = "urgent"
    NAME_HOLDER = "name_holder"  # of a seat given without one; also on the owner's task and on Home
    REOPEN = "reopen_request"
    OPEN_DRAFT = "open_draft"
    GUIDE = "open_guide"  # a link; still needs an answer
    WORKS = "it_works"
    DOES_NOT_WORK = "it_does_not_work"
    # seats
    GIVE_BACK = "give_back"
    KEEP_LONGER = "keep_longer"
    LET_END = "let_end"
    NEED_BACK = "need_back"
    KEEP_OR_BACK = "keep_or_give_back"  # a row has one button: a window with both
    # the product owner's task
    TASK_DONE = "task_done"
    TASK_BLOCKED = "task_blocked"
    TASK_MORE = "task_more"
    # the form
    PRODUCT = "product"
    USE_ALTERNATIVE = "use_alternative"
    ASK_ANYWAY = "ask_anyway"
    ASK_FOR_OWNED = "ask_for_owned"
    SOMETHING_ELSE = "something_else"
    PEOPLE = "people"  # as PRODUCT: fields that send something as soon as they change
    # Home and answers to commands
    ASK_LICENCE = "ask_licence"
    SEE_MINE = "see_mine"
    OPEN_REQUEST = "open_request"
    SHOW_ALL = "show_all"
    SETTINGS = "settings"
    STORED_ABOUT_ME = "stored_about_me"
    HELP = "help"
    SEE_TEAM = "see_team"
    OPEN_HOME = "open_home"
    TELL_IT = "tell_it"
    DASHBOARD = "open_dashboard"  # a link
    # what is bought, in use, free and short
    SEE_POSITIONS = "see_positions"
    SEE_POSITION = "see_position"  # a row has one button: the product with its reasons
    SHOW_SHORT = "show_short"
    SHOW_WASTE = "show_waste"
    WHY_CHANGED = "why_changed"
    # reported software names nobody has decided on
    SETTLE_NAMES = "settle_names"
    NAMES_BEFORE = "names_before"
    NAMES_AFTER = "names_after"
    SETTLE_NAME = "settle_name"
    SETTLE_AS = "settle_as"  # a field that sends something as soon as it changes
    # red alerts
    ALERT_TAKE = "alert_take"
    ALERT_ASK = "alert_ask_people"
    ALERT_TICKET = "alert_open_ticket"
    ALERT_EXCEPT = "alert_grant_exception"
    ALERT_MORE = "alert_more"  # overflow: who is it, wrong product, dashboard
    ALERT_SEE = "alert_see"  # a row has one button: the card as a window
    SEE_ALERTS = "see_alerts"
    WRONG_AS = "wrong_as"  # a field that sends something as soon as it changes
    FOUND_ANSWER = "found_answer"
    FOUND_ASK = "found_ask_licence"
    FOUND_REMOVE = "found_remove"
    FOUND_WRONG = "found_not_right"
    OBSERVE_SEE = "observe_see"
    OBSERVE_ACCEPT = "observe_accept"
    # devices that may be one machine or two
    DOUBT_ONE = "doubt_one_machine"
    DOUBT_TWO = "doubt_two_machines"
    DOUBT_SEE = "doubt_see"  # a row has one button: the question as a window
    # accounts that may be one person
    MATCH_SAME = "match_same_person"
    MATCH_OTHER = "match_not_the_same"
    MATCH_SEE = "match_see"
    # taking seats back
    KEEP_SEAT = "keep_seat"
    RELEASE_SEAT = "release_seat"
    ASK_LATER = "ask_me_later"
    SEAT_ANSWER = "answer_about_seat"  # a row has one button: the question as a window
    KEEP_AGREE = "keep_agree"
    KEEP_DISPUTE = "keep_see_differently"
    HANDED_OVER = "handed_over"
    CAMPAIGN_OPEN = "campaign_open"  # a row has one button: the dry run, or how it stands
    SMALLER_CHOSEN = "smaller_chosen"  # the licence that would do; its reference is product and SKU
    CAMPAIGN_BEGIN = "campaign_begin"
    CAMPAIGN_CANCEL = "campaign_cancel"
    REVIEW_LIST = "review_list"
    LIST_TICKS = "list_ticks"  # a field that sends something as soon as it changes
    LIST_LOOKS = "list_looks"  # as LIST_TICKS: rows that need a look
    LIST_BEFORE = "list_before"
    LIST_AFTER = "list_after"
    LIST_TAKE = "list_take_back"
    LIST_MORE = "list_more"  # overflow: untick this page, see the evidence
    HOLDS_NONE = "holds_none"
    RULE_LIFT = "rule_switch_on_again"
    UNDO_SOME = "undo_some"
    UNDO_ALL = "undo_all"
    SEE_CAMPAIGNS = "see_campaigns"
    # renewals
    SEE_RENEWALS = "see_renewals"
    RENEWAL_SEE = "renewal_see"  # a row has one button: the brief as a window
    RENEWAL_RENEW = "renewal_renew"
    RENEWAL_REDUCE = "renewal_reduce"
    RENEWAL_RENEGOTIATE = "renewal_renegotiate"
    RENEWAL_CANCEL = "renewal_cancel"
    RENEWAL_MORE = "renewal_more"  # overflow: defer, assign owner, dashboard
    RENEWAL_NOTICE = "renewal_read_notice"
    RENEWAL_PROOF = "renewal_add_proof"
    RENEWAL_CHANGE = "renewal_change_decision"
    RENEWAL_AGREE = "renewal_agree"
    RENEWAL_DISAGREE = "renewal_do_not_agree"
    RENEWAL_PAGE = "renewal_open_page"  # the way to its page
    RENEWAL_CALENDAR = "renewal_calendar"  # the reader's own address
    RENEWAL_CALENDAR_NEW = "renewal_calendar_new"
    # invoices, purchases, the vendor and us
    DIFFERENCE_ANSWER = "difference_answer"  # a row has one button: the difference as a window
    SEE_DIFFERENCES = "see_differences"
    # a request that waits for a person
    STUCK_RETRY = "stuck_try_again"
    STUCK_NAME = "stuck_name_decider"
    STUCK_CLOSE = "stuck_close"
    STUCK_WHO = "stuck_who_is_it"
    RUN_AGAIN = "run_again"
    LEAVE_PARKED = "leave_parked"


class Callback(enum.StrEnum):
    """`callback_id` of modals and shortcuts."""

    SHORTCUT = "request_licence"
    REQUEST = "request_form"
    NEW_PRODUCT = "new_product_form"
    CHANGE = "change_form"
    DENY = "deny_form"
    ASK = "ask_form"
    HAND_ON = "hand_on_form"
    ANSWER = "answer_form"
    NOTE = "note_form"
    URGENT = "urgent_form"
    NAME_HOLDER = "name_holder_form"
    GIVE_BACK = "give_back_form"
    KEEP_LONGER = "keep_longer_form"
    TASK_BLOCKED = "task_blocked_form"
    TASK_HAND_ON = "task_hand_on_form"
    NOT_WORKING = "not_working_form"
    CARD = "card_modal"  # an approval card shown as a modal
    STUCK_NAME = "stuck_name_form"
    STUCK_CLOSE = "stuck_close_form"
    WHY_CHANGED = "why_changed_form"
    SETTLE_NAME = "settle_name_form"
    ALERT_EXCEPT = "alert_exception_form"
    ALERT_WRONG = "alert_wrong_form"
    FOUND_WRONG = "found_wrong_form"
    KEEP_SEAT = "keep_seat_form"
    RELEASE_SEAT = "release_seat_form"
    ASK_LATER = "ask_later_form"
    HANDED_OVER = "handed_over_form"
    RECLAIM_LIST = "reclaim_list"
    EVIDENCE = "evidence_form"
    UNDO_SOME = "undo_some_form"
    RENEWAL_REDUCE = "renewal_reduce_form"
    RENEWAL_RENEGOTIATE = "renewal_renegotiate_form"
    RENEWAL_CANCEL = "renewal_cancel_form"
    RENEWAL_DEFER = "renewal_defer_form"
    RENEWAL_OWNER = "renewal_owner_form"
    RENEWAL_PROOF = "renewal_proof_form"
    RENEWAL_DISAGREE = "renewal_do_not_agree_form"
    DIFFERENCE_ANSWER = "difference_answer_form"
    SETTINGS = "settings_form"
    SHOWN = "shown"  # a modal with nothing to send


class Block(enum.StrEnum):
    """`block_id` of input blocks: where a field error is shown."""

    PRODUCT = "product"
    TIER = "tier"
    PEOPLE = "people"
    COUNT = "count"
    UNTIL = "until"
    WHY = "why"
    FREQUENCY = "frequency"
    NAME = "name"
    LINK = "link"
    OTHERS = "others"
    HOLDS = "holds"
    PRICE = "price"
    REASON = "reason"
    WORDS = "words"
    SUGGEST = "suggest"
    PERSON = "person"
    NOTE = "note"
    FROM = "from"
    REGISTER = "register"  # a product of the register, for those who keep it
    PUBLISHER = "publisher"
    AS = "as"
    LICENCE = "licence"
    QUANTITY = "quantity"
    ENTITLEMENT = "entitlement"  # a purchase of a contract
    OWNER = "owner"
    READ = "read"  # a box that says so
    SENT_BY = "sent_by"
    SENT_ON = "sent_on"
    HOW = "how"
    DOCUMENT = "document"
    FILE = "file"
    REPORTED = "reported"  # a software name as devices report it


class Menu(enum.StrEnum):
    """Values of overflow menus, before the reference: "hand_on/12.3"."""

    HAND_ON = "hand_on"
    WHY_ME = "why_me"
    WHO = "who"
    WRONG = "wrong"
    UNTICK = "untick"
    EVIDENCE = "evidence"
    DEFER = "defer"
    OWNER = "owner"
    DASHBOARD = "dashboard"


@dataclass(frozen=True)
class Ref:
    """Which row a button speaks of, and the version of it that was on screen ("12.3")."""

    id: int
    version: int = 0

    def __str__(self) -> str:
        return f"{self.id}.{self.version}"

    @classmethod
    def parse(cls, value: str) -> Ref:
        """Raises ValueError for anything that `str(ref)` cannot have made."""
        left, dot, right = value.partition(".")
        if not (dot and left.isascii() and left.isdigit() and right.isascii() and right.isdigit()):
            raise ValueError(f"not a reference: {value[:40]!r}")
        return cls(int(left), int(right))
