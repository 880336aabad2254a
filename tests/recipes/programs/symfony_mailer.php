<?php
// Sends a mail by Symfony's mailer, set up by a block for Nextcloud as Nextcloud does it. Exits with 69 where there is no
// such mailer.
(@include 'Symfony/Component/Mailer/autoload.php') or exit(69);

use Symfony\Component\Mailer\Mailer;
use Symfony\Component\Mailer\Transport\Smtp\EsmtpTransport;
use Symfony\Component\Mime\Address;
use Symfony\Component\Mime\Email;

$task = json_decode(file_get_contents('php://stdin'));
eval("\$at = [{$task->block}];");
$mail = $task->mail;
$transport = new EsmtpTransport($at['mail_smtphost'], $at['mail_smtpport'], $at['mail_smtpsecure'] === 'ssl' ?: null);
$transport->setUsername($at['mail_smtpname'])->setPassword($at['mail_smtppassword']);
$written = (new Email())->from(new Address($mail->sender->address, $mail->sender->name));
$written->to($mail->to)->bcc($mail->bcc)->subject($mail->subject);
$written->text($mail->text)->html($mail->html)->attach(base64_decode($mail->file->base64), $mail->file->name, $mail->file->type);
(new Mailer($transport))->send($written);
