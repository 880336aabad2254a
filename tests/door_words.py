"""A mail as each door's clients write it: the request alone, by the words of the provider's own documentation."""

import base64
import json
import re
from email.encoders import encode_base64
from email.header import Header
from email.mime.base import MIMEBase
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.policy import compat32
from email.utils import formataddr

from urllib3.filepost import encode_multipart_formdata

from everpost.dialects.contract import Submission

SES_TAG = re.compile(r"[A-Za-z0-9_-]{1,256}")


def encoded(part):
    return base64.b64encode(part.content).decode()


def mailbox(address):
    """As in RFC 5322, with the name quoted."""
    quoted = address.name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{quoted}" <{address.email}>' if address.name else address.email


def listed(addresses):
    return ", ".join(map(mailbox, addresses))


def parts(address):
    return {"email": address.email} | ({"name": address.name} if address.name else {})


def given(**fields):
    """Clients leave out what is not there."""
    return {name: value for name, value in fields.items() if value}


def native(mail):
    files = [
        given(filename=each.filename, content_type=each.content_type, content_id=each.content_id)
        | {"content": encoded(each)}
        for each in mail.attachments
    ]
    lists = {name: [parts(each) for each in getattr(mail, name)] for name in ("to", "cc", "bcc", "reply_to")}
    return given(
        **{"from": parts(mail.sender)},
        **lists,
        **{name: getattr(mail, name) for name in ("subject", "text", "html", "headers", "metadata")},
        tags=list(mail.tags),
        attachments=files,
    )


def sendgrid(mail):
    content = [("text/plain", mail.text), ("text/html", mail.html)]
    files = [
        given(filename=each.filename, type=each.content_type, content_id=each.content_id, content=encoded(each))
        | {"disposition": "inline" if each.content_id else "attachment"}
        for each in mail.attachments
    ]
    group = given(**{name: [parts(each) for each in getattr(mail, name)] for name in ("to", "cc", "bcc")})
    return given(
        **{"from": parts(mail.sender)},
        personalizations=[group],
        reply_to_list=[parts(each) for each in mail.reply_to],
        subject=mail.subject,
        content=[{"type": kind, "value": text} for kind, text in content if text],
        attachments=files,
        headers=mail.headers,
        categories=list(mail.tags),
        custom_args=mail.metadata,
    )


def resend(mail):
    files = [
        given(filename=each.filename, content_type=each.content_type, content_id=each.content_id, content=encoded(each))
        for each in mail.attachments
    ]
    lists = {name: list(map(mailbox, getattr(mail, name))) for name in ("to", "cc", "bcc", "reply_to")}
    return given(
        **{"from": mailbox(mail.sender)},
        **lists,
        **{name: getattr(mail, name) for name in ("subject", "text", "html", "headers")},
        tags=[{"name": name, "value": value} for name, value in mail.metadata.items()],
        attachments=files,
    )


def postmark(mail):
    files = [
        given(Name=each.filename, ContentType=each.content_type, Content=encoded(each))
        | ({"ContentID": f"cid:{each.content_id}"} if each.content_id else {})
        for each in mail.attachments
    ]
    return given(
        From=mailbox(mail.sender),
        To=listed(mail.to),
        Cc=listed(mail.cc),
        Bcc=listed(mail.bcc),
        ReplyTo=listed(mail.reply_to),
        Subject=mail.subject,
        TextBody=mail.text,
        HtmlBody=mail.html,
        Headers=pairs(mail.headers),
        Attachments=files,
        Tag=next(iter(mail.tags), None),
        Metadata=mail.metadata,
    )


def ses(mail):
    """Of its tags SES takes letters, digits, dashes and underscores alone."""
    files = [
        given(
            FileName=each.filename, ContentType=each.content_type, ContentId=each.content_id, RawContent=encoded(each)
        )
        | {"ContentDisposition": "INLINE" if each.content_id else "ATTACHMENT"}
        for each in mail.attachments
    ]
    lists = {name: [coded(each) for each in getattr(mail, name)] for name in ("to", "cc", "bcc", "reply_to")}
    body = given(Text=given(Data=mail.text), Html=given(Data=mail.html))
    simple = given(Subject={"Data": mail.subject}, Body=body, Headers=pairs(mail.headers), Attachments=files)
    return given(
        FromEmailAddress=coded(mail.sender),
        Destination=given(ToAddresses=lists["to"], CcAddresses=lists["cc"], BccAddresses=lists["bcc"]),
        ReplyToAddresses=lists["reply_to"],
        Content={"Simple": simple},
        EmailTags=pairs(fit_for_ses(mail.metadata)),
    )


def fit_for_ses(metadata):
    return {name: value for name, value in metadata.items() if SES_TAG.fullmatch(name) and SES_TAG.fullmatch(value)}


def pairs(entries):
    return [{"Name": name, "Value": value} for name, value in entries.items()]


def coded(address):
    """As in a mail's header (RFC 2047)."""
    return formataddr((address.name, address.email), "utf-8")


def mailgun(mail):
    """As a form with files, in the way of the library that its client for Python stands on."""
    texts = {"from": mailbox(mail.sender), "subject": mail.subject, "text": mail.text, "html": mail.html}
    lists = {name: listed(getattr(mail, name)) for name in ("to", "cc", "bcc")}
    head = {f"h:{name}": value for name, value in mail.headers.items()} | {"h:Reply-To": listed(mail.reply_to)}
    fields = [*given(**texts, **lists, **head).items(), *(("o:tag", tag) for tag in mail.tags)]
    fields += [(f"v:{name}", value) for name, value in mail.metadata.items()]
    fields += [
        (
            "inline" if each.content_id else "attachment",
            (each.content_id or each.filename, each.content, each.content_type),
        )
        for each in mail.attachments
    ]
    return encode_multipart_formdata(fields)


def smtp(mail):
    """By Python's own library; recipients stand in the envelope."""
    texts = [MIMEText(text, kind, "utf-8") for kind, text in (("plain", mail.text), ("html", mail.html)) if text]
    inline = [_part(each) for each in mail.attachments if each.content_id]
    files = [_part(each) for each in mail.attachments if not each.content_id]
    whole = MIMEMultipart("mixed", _subparts=[MIMEMultipart("related", _subparts=[_one_of(texts), *inline]), *files])
    for name, addresses in (("From", [mail.sender]), ("To", mail.to), ("Cc", mail.cc), ("Reply-To", mail.reply_to)):
        if addresses:
            whole[name] = ", ".join(map(coded, addresses))
    own = {"X-Everpost-Tags": ", ".join(mail.tags), "X-Everpost-Metadata": json.dumps(mail.metadata)}
    for name, value in (given(**own) | {"Subject": mail.subject} | mail.headers).items():
        whole[name] = Header(value, "utf-8", header_name=name).encode()
    return whole.as_bytes(policy=compat32.clone(linesep="\r\n"))


def _one_of(texts):
    return texts[0] if len(texts) == 1 else MIMEMultipart("alternative", _subparts=texts)


def _part(file):
    part = MIMEBase(*file.content_type.split("/"))
    part.set_payload(file.content)
    encode_base64(part)
    part.add_header(
        "Content-Disposition", "inline" if file.content_id else "attachment", filename=("utf-8", "", file.filename)
    )
    if file.content_id:
        part["Content-ID"] = f"<{file.content_id}>"
    return part


def submission(body, content_type="application/json"):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Submission(method="POST", path="/", query={}, headers={"content-type": content_type}, body=raw)


WRITERS = {
    "native": lambda mail: submission(native(mail)),
    "sendgrid": lambda mail: submission(sendgrid(mail)),
    "mailgun": lambda mail: submission(*mailgun(mail)),
    "postmark": lambda mail: submission(postmark(mail)),
    "resend": lambda mail: submission(resend(mail)),
    "ses": lambda mail: submission(ses(mail)),
    "smtp": lambda mail: submission(smtp(mail), "message/rfc822"),
}
