<?php
// Sends a mail by PHPMailer, set up by a block for WordPress. Exits with 69 where there is no PHPMailer.
(@include 'libphp-phpmailer/autoload.php') or exit(69);

function add_action($hook, $action)
{
    $GLOBALS['actions'][$hook] = $action;
}

$task = json_decode(file_get_contents('php://stdin'));
eval($task->block);
$mail = $task->mail;
$mailer = new PHPMailer\PHPMailer\PHPMailer(true);
$mailer->CharSet = 'UTF-8'; // as WordPress has it
$GLOBALS['actions']['phpmailer_init']($mailer);
$mailer->setFrom($mail->sender->address, $mail->sender->name);
$mailer->addAddress($mail->to);
$mailer->addBCC($mail->bcc);
$mailer->Subject = $mail->subject;
$mailer->msgHTML($mail->html);
$mailer->AltBody = $mail->text;
$mailer->addStringAttachment(base64_decode($mail->file->base64), $mail->file->name, 'base64', $mail->file->type);
$mailer->send();
