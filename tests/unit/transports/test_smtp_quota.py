"""Which refusals mean that the account has sent enough for now, as hosts word them."""

from __future__ import annotations

import pytest

from transports.smtp.quota import is_over_quota
from transports.smtp.wire import Reply

OURS = [
    # Gmail and Google's relay
    "550 5.4.5 Daily user sending limit exceeded. For more information on Gmail sending limits go to ...",
    "550 5.4.5 Daily sending quota exceeded. Learn more at ...",
    "550 5.4.5 Daily SMTP relay limit exceeded for user.",
    "550 5.7.1 Daily SMTP relay sending limit exceeded for customer.",
    "421 4.7.28 Gmail has detected an unusual rate of unsolicited mail originating from your IP address.",
    "450 4.2.1 The account has exceeded its sending limit, please try again later",
    # Outlook and Exchange
    "550 5.1.90 Your message can't be sent because you've reached your daily limit for message recipients.",
    "554 5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException.MapiExceptionSubmissionQuota",
    "550 5.7.233 Tenant exceeded its recipient rate limit",
    # OVH
    "451 4.7.1 Too many mails sent from this account, please try again later",
    "554 5.7.1 <paniers@amap.example>: Sender address rejected: hourly quota exceeded (200/h)",
    "450 4.7.1 Sending limit of 200 mails per hour reached",
    # Infini, and others on cPanel
    "550 Domain infini.fr has exceeded the max emails per hour (125/100 (125%)) allowed. Message discarded.",
    "451 Domain amap.example has exceeded the max defers and failures per hour (5/5 (100%)) allowed.",
    # Ionos
    "450 Sending limit exceeded for this account",
    "554 Transaction failed, sender rate limit reached. Please try again later.",
    # Postfix: anvil, policyd, postfwd
    "450 4.7.1 Error: too much mail from 192.0.2.7",
    "450 4.7.1 Error: too many recipients from 192.0.2.7",
    "450 4.7.1 <a@example.org>: Recipient address rejected: Policy Rejection: Quota Exceeded",
    "554 5.7.1 <a@example.org>: Recipient address rejected: Message count quota exceeded",
    "450 4.7.1 Sorry, max 50 recipients per hour exceeded",
    # Exim
    "450 Sender rate limit exceeded: 102.1 / 1h",
    "550 rate limit for authenticated user exceeded",
    "451 Temporary local problem: you are ratelimited",
    "550 You have exceeded your hourly limit of 200 recipients",
    "452 Daily limit of messages reached",
    # French
    "450 4.7.1 quota horaire dépassé, réessayez plus tard",
    "554 5.7.1 Limite d'envoi atteinte pour ce compte",
    "550 Vous avez dépassé le nombre maximal de messages par heure",
    "451 4.7.1 Trop de messages envoyés depuis ce compte",
    "550 5.7.1 Quota d'envoi d\ufffdpass\ufffd",
    "452 limite journalière de 500 courriels atteinte",
]

NOT_OURS = [
    # somebody's mailbox is full
    "452 4.2.2 The email account that you tried to reach is over quota. Please direct the recipient to ...",
    "552 5.2.2 <a@example.org>: mailbox is full",
    "552 5.2.2 user has exceeded quota, over daily limit",
    "450 4.2.2 Quota exceeded for a@example.org",
    "550 Quota exceeded (mailbox for user is full)",
    "452 4.2.2 <a@orange.example> La boîte du destinataire est pleine, quota dépassé",
    "552 a@example.org: user is over quota",
    "452 4.3.1 Insufficient system storage",
    "552 Requested mail action aborted: exceeded storage allocation",
    # somebody gets too much mail from everybody
    "450 4.2.1 The user you are trying to contact is receiving mail at a rate that prevents additional ...",
    "450 4.2.1 The user you are trying to contact is receiving mail too quickly. Please resend later.",
    "450 4.2.1 mailbox busy, come back later",
    # too many in this one mail, or at once
    "452 4.5.3 Error: too many recipients",
    "452 4.5.3 Your message has too many recipients.",
    "552 too many recipients",
    "421 4.7.0 Error: too many connections from 192.0.2.7",
    "421 4.3.2 Trop de connexions, ouvrez-en moins par heure",
    # everything else
    "550 5.1.1 no such user",
    "552 5.3.4 Message size exceeds fixed maximum message size",
    "450 4.7.1 Greylisted, see you in 5 minutes",
    "554 5.7.1 Relay access denied",
    "535 5.7.8 Error: authentication failed",
    "451 4.3.0 Temporary failure, try again in an hour",
    "421 4.7.0 Try again later, closing connection",
    "554 5.7.1 Message rejected as spam by content filtering, score 12, limit 7",
]


def reply(words: str) -> Reply:
    return Reply(int(words[:3]), words[4:])


@pytest.mark.parametrize("words", OURS)
def test_the_account_has_sent_enough_for_now(words: str) -> None:
    assert is_over_quota(reply(words), of_sender=False)


@pytest.mark.parametrize("words", NOT_OURS)
def test_what_concerns_a_recipient_or_one_mail_stops_no_account(words: str) -> None:
    assert not is_over_quota(reply(words), of_sender=False)
    assert not is_over_quota(reply(words), of_sender=True)


def test_a_quota_without_more_words_is_the_senders_where_the_sender_is_refused() -> None:
    assert is_over_quota(reply("452 4.7.1 Quota exceeded"), of_sender=True)
    assert not is_over_quota(reply("452 4.7.1 Quota exceeded"), of_sender=False)


def test_what_was_taken_is_never_a_refusal() -> None:
    assert not is_over_quota(
        reply("250 2.0.0 queued, 12 of 200 mails per hour, limit not exceeded"), of_sender=True
    )
