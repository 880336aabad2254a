<?php
// Sends a mail by Laravel, set up by a block for its .env in the folder that it is started in. Exits with 69 where there
// is no Laravel.
(@include 'Illuminate/autoload.php') or exit(69);

use Illuminate\Config\Repository;
use Illuminate\Foundation\Application;
use Illuminate\Foundation\Bootstrap\LoadEnvironmentVariables;
use Illuminate\Support\HtmlString;

$task = json_decode(file_get_contents('php://stdin'));
$mail = $task->mail;
file_put_contents('.env', $task->block);
$app = new Application(getcwd());
(new LoadEnvironmentVariables())->bootstrap($app);
$smtp = ['transport' => 'smtp', 'host' => env('MAIL_HOST'), 'port' => env('MAIL_PORT')];
$smtp += ['encryption' => env('MAIL_ENCRYPTION', 'tls'), 'username' => env('MAIL_USERNAME'), 'password' => env('MAIL_PASSWORD')];
$from = ['address' => env('MAIL_FROM_ADDRESS'), 'name' => env('MAIL_FROM_NAME')];
$shown = ['default' => env('MAIL_MAILER'), 'mailers' => ['smtp' => $smtp], 'from' => $from];
$app->instance('config', new Repository(['app' => [], 'mail' => $shown, 'view' => ['paths' => []]]));
foreach (['Filesystem\Filesystem', 'View\View', 'Mail\Mail'] as $part) {
    $app->register("Illuminate\\{$part}ServiceProvider");
}
$app['mailer']->send(['html' => new HtmlString($mail->html), 'raw' => $mail->text], [], function ($message) use ($mail) {
    $message->from($mail->sender->address, $mail->sender->name)->to($mail->to)->bcc($mail->bcc)->subject($mail->subject);
    $message->attachData(base64_decode($mail->file->base64), $mail->file->name, ['mime' => $mail->file->type]);
});
