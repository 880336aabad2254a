# Sends a mail by Action Mailer, set up by a block for Rails or for GitLab. Exits with 69 where there is no Action Mailer.
require "json"
begin
  require "action_mailer"
rescue LoadError
  exit 69
end

task = JSON.parse($stdin.read, symbolize_names: true)
config = Struct.new(:action_mailer).new(ActionMailer::Base) # as Rails hands its settings over
gitlab_rails = {}
eval(task[:block])
if gitlab_rails["smtp_enable"] # GitLab's have the names of Action Mailer's, after smtp_
  named = gitlab_rails.select { |name, _| name.start_with?("smtp_") && name != "smtp_enable" }
  ActionMailer::Base.delivery_method = :smtp
  ActionMailer::Base.smtp_settings = named.transform_keys { |name| name.delete_prefix("smtp_").to_sym }
end

class Post < ActionMailer::Base
  def note(mail)
    attachments[mail[:file][:name]] = { mime_type: mail[:file][:type], content: mail[:file][:base64].unpack1("m") }
    from = email_address_with_name(mail[:sender][:address], mail[:sender][:name])
    mail(from: from, **mail.slice(:to, :bcc, :subject)) do |format|
      format.text { render plain: mail[:text] }
      format.html { render html: mail[:html].html_safe }
    end
  end
end

Post.note(task[:mail]).deliver_now
