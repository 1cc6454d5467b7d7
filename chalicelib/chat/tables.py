"""The table `chat`: everything of an appointment's chat lies in one partition, `<company>#<appointment>`.

Access patterns
  its messages, in their order     sk `m#<number>`                                                         Query
  what is new                      sk from `m#<number>` to the end of `p#…`: messages and presence at once   Query
  who has read and who types       sk `p#patient`, `p#doctor`                                              GetItem
  what a client calls a message    sk `c#<side>#<client id>`; record: the message's sk                     GetItem
  what the system has told, once   sk `t#<session>#<what>`                                                 put
  the patient's rating             sk `rating`                                                             GetItem
"""

from typing import ClassVar

from pynamodb.attributes import NumberAttribute, UnicodeAttribute

from chalicelib.core.tables import Row, Table


class ChatRow(Row):
    """A message, a side's presence, a rating, or a mark that something has been said."""

    table: ClassVar[Table] = Table("chat", ttl=True)
    record = UnicodeAttribute(null=True)
    read_up_to = NumberAttribute(null=True)
    read_at = UnicodeAttribute(null=True)
    typing_until = UnicodeAttribute(null=True)
