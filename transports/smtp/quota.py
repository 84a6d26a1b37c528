"""Replies that mean: this account has sent enough for now. No standard has them, hosts word them freely.

Strict, because such a reply stops a whole account: what speaks of the recipient's mailbox (full, or
getting too much mail from everybody) or of this one mail is none, and is left to the usual rules. The
wordings are those that hosts are known to send: OVH, Infini and others on cPanel, Ionos, Gmail and
Google's relay, Outlook, Postfix (anvil, policyd, postfwd), Exim, and French hosts.
"""

from __future__ import annotations

import re

from transports.smtp.wire import Reply

_NOT_OURS = re.compile(
    r"""
    ^[45]\.2\.2\b                                                   # RFC 3463: mailbox full
    | ^[45]\.3\.[14]\b                                              # its system full, mail too big
    | \bmailbox\b | \bmail\ box\b | \binbox\b | \bstorage\b | \bdisk\b | \bbo.{1,2}te\b
    | \b(?:user|recipient|account|destinataire)\b.{0,60}\b(?:is\ )?(?:over|full|plein)
    | \breceiving\ mail\b                                           # Gmail: the recipient gets too much
    | \bconnections?\b | \bconnexions?\b | \blogin\b                # too many at once: not of mails
    """,
    re.IGNORECASE | re.VERBOSE,
)

_SENDING = r"(?:sen[dt](?:ing|er)?|outgoing|outbound|submission|smtp\ relay)"
_MAILS = r"(?:e-?mails?|mails?|messages?|recipients?|courriels?|destinataires?|envois?)"
_AMOUNT = rf"(?:{_SENDING}|{_MAILS}|rate|policy|hourly|daily)"
_UNIT = r"(?:h(?:ours?|eures?)?|days?|jours?|min(?:utes?)?)"
_TIME = rf"(?:per|an?|this|last|in\ one|/|par|une?)\ ?(?:\d+\ )?{_UNIT}\b"
_PERIOD = rf"(?:\b(?:hourly|daily|horaire|journali.{{1,2}}re?|quotidien(?:ne)?)\b|{_TIME}|\b24\ ?h)"
_PASSED = r"(?:exceed(?:ed|s|ing)?|too\ many|d.{1,2}pass.{0,2}|atteinte?|trop)"
_LIMIT = rf"(?:limit(?:e[ds]?|s)?|quota|max(?:imum|imal)?|{_PASSED})"

_OURS = re.compile(
    rf"""
    ^5\.4\.5\b | ^[45]\.7\.28\b | ^5\.1\.90\b                       # Gmail, Gmail, Outlook
    | \b{_LIMIT}\b.{{0,80}}{_PERIOD} | {_PERIOD}.{{0,80}}\b{_LIMIT}\b
    | \b{_SENDING}\ (?:{_MAILS}\ )?(?:rate|limit|quota|count)\b
    | \b{_AMOUNT}\ (?:count\ |rate\ |volume\ )?(?:quota|rate\ limit)\b.{{0,40}}\b(?:exceeded|reached)\b
    | \b(?:policy|spam|mail\ sending)\ (?:rejection|violation|reject)\b.{{0,40}}\bquota\b
    | \b{_MAILS}\ (?:sending\ )?rate\b.{{0,40}}\bexceed | \brate[ -]?limit | \bthrottl(?:ed|ing)\b
    | \bsubmissionquotaexceeded
    | \btoo\ (?:many|much)\ {_MAILS}\ (?:sent|from|submitted|in)\b  # anvil, and many others
    | \btoo\ many\ (?:e-?mails|messages)\b(?!.{{0,20}}\bsession)
    | \bunusual\ rate\ of\b
    | \b(?:limite|quota)\ d.{{0,2}}\ ?envois?\b | \btrop\ (?:de\ |d.){_MAILS}\ (?:envoy|par|depuis)
    """,
    re.IGNORECASE | re.VERBOSE,
)

_BARE_QUOTA = re.compile(r"\bquota\b.{0,40}\b(?:exceeded|reached|d.{1,2}pass|atteint)", re.IGNORECASE)


def is_over_quota(reply: Reply, *, of_sender: bool) -> bool:
    """Whether a refusal says that the account may send again later, and only then.

    Args:
        reply: a refusal, temporary or not: hosts use both.
        of_sender: it answers MAIL FROM, where a quota without more words can only be the sender's.
    """
    if reply.code < 400 or _NOT_OURS.search(reply.text):
        return False
    return bool(_OURS.search(reply.text)) or (of_sender and bool(_BARE_QUOTA.search(reply.text)))
