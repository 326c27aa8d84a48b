"""What messaging stores."""

from .campaign import Campaign, CampaignCount, CampaignTally, Conversion, SendCheck, Variant
from .coupon import Coupon, CouponCode, CouponPool
from .email import Email, EmailLink, EmailVersion, MailImage
from .message import Allowance, Chunk, Message, Outbox, SingleSend, SuppressedAddress, Suppression, Trouble
from .move import Move
from .notification import Notification
from .receiver import ReceiverDomain, ReceiverRate
from .sending import DkimKey, DmarcReport, Inbound, Mailbox, SendingDomain, Transport
from .subscription import Exemption, LawNotice, Subscription, SubscriptionType

__all__ = [
    "Allowance",
    "Campaign",
    "CampaignCount",
    "CampaignTally",
    "Chunk",
    "Conversion",
    "Coupon",
    "CouponCode",
    "CouponPool",
    "DkimKey",
    "DmarcReport",
    "Email",
    "EmailLink",
    "EmailVersion",
    "Exemption",
    "Inbound",
    "LawNotice",
    "MailImage",
    "Mailbox",
    "Message",
    "Move",
    "Notification",
    "Outbox",
    "ReceiverDomain",
    "ReceiverRate",
    "SendCheck",
    "SendingDomain",
    "SingleSend",
    "Subscription",
    "SubscriptionType",
    "SuppressedAddress",
    "Suppression",
    "Transport",
    "Trouble",
    "Variant",
]
