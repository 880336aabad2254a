# The page: a private bucket behind CloudFront, which alone may read it. /v1/* goes on to the native API, so that the page
# and the API have one origin and no other page may call it.

data "aws_caller_identity" "this" {}

locals {
  files = fileset(var.folder, "**")
  types = {
    html = "text/html; charset=utf-8"
    css  = "text/css; charset=utf-8"
    js   = "text/javascript; charset=utf-8"
    json = "application/json"
    svg  = "image/svg+xml"
  }

  # The page's own files and the API; no text ever becomes markup. The same as the server's.
  policy = join("; ", [
    "default-src 'none'", "script-src 'self'", "style-src 'self' 'unsafe-inline'", "img-src 'self' data:",
    "frame-src blob:", "connect-src 'self'",
    "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'", "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ])

  # Policies of CloudFront's own, the same in every account.
  cache_for_long    = "658327ea-f89d-4fab-a63d-7e88639e58f6" # CachingOptimized
  cache_nothing     = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad" # CachingDisabled
  all_but_host_name = "b689b0a8-53d0-40ab-baf2-68738e2966ac" # AllViewerExceptHostHeader
}

module "bucket" {
  source = "../bucket"

  name          = "${var.name}-page-${data.aws_caller_identity.this.account_id}"
  force_destroy = true # what is in it comes from here

  statements = [{
    Sid       = "CloudFrontReads"
    Effect    = "Allow"
    Principal = { Service = "cloudfront.amazonaws.com" }
    Action    = "s3:GetObject"
    Resource  = "${module.bucket.arn}/*"
    Condition = { StringEquals = { "aws:SourceArn" = aws_cloudfront_distribution.this.arn } }
  }]
}

resource "aws_s3_object" "file" {
  for_each = local.files

  bucket        = module.bucket.id
  key           = each.value
  source        = "${var.folder}/${each.value}"
  etag          = filemd5("${var.folder}/${each.value}")
  content_type  = local.types[reverse(split(".", each.value))[0]]
  cache_control = each.value == "config.json" ? "no-store" : "public, max-age=300"
}

resource "aws_cloudfront_origin_access_control" "this" {
  name                              = var.name
  description                       = "CloudFront signs what it reads"
  origin_access_control_origin_type = "s3"
  signing_behavior                  = "always"
  signing_protocol                  = "sigv4"
}

resource "aws_cloudfront_response_headers_policy" "this" {
  name = var.name

  security_headers_config {
    content_security_policy {
      content_security_policy = local.policy
      override                = true
    }

    strict_transport_security {
      access_control_max_age_sec = 63072000
      include_subdomains         = true
      override                   = true
    }

    content_type_options {
      override = true
    }

    frame_options {
      frame_option = "DENY"
      override     = true
    }

    referrer_policy {
      referrer_policy = "no-referrer"
      override        = true
    }
  }
}

resource "aws_cloudfront_distribution" "this" {
  enabled             = true
  comment             = "Page of ${var.name}"
  default_root_object = "index.html"
  http_version        = "http2and3"
  is_ipv6_enabled     = true
  price_class         = "PriceClass_100"
  aliases             = var.domain[*].name

  origin {
    origin_id                = "page"
    domain_name              = module.bucket.domain
    origin_access_control_id = aws_cloudfront_origin_access_control.this.id
  }

  origin {
    origin_id   = "api"
    domain_name = trimprefix(var.api_url, "https://")

    custom_origin_config {
      http_port              = 80
      https_port             = 443
      origin_protocol_policy = "https-only"
      origin_ssl_protocols   = ["TLSv1.2"]
    }
  }

  default_cache_behavior {
    target_origin_id           = "page"
    viewer_protocol_policy     = "redirect-to-https"
    allowed_methods            = ["GET", "HEAD"]
    cached_methods             = ["GET", "HEAD"]
    compress                   = true
    cache_policy_id            = local.cache_for_long
    response_headers_policy_id = aws_cloudfront_response_headers_policy.this.id
  }

  ordered_cache_behavior {
    path_pattern               = "/v1/*"
    target_origin_id           = "api"
    viewer_protocol_policy     = "https-only"
    allowed_methods            = ["GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE"]
    cached_methods             = ["GET", "HEAD"]
    cache_policy_id            = local.cache_nothing
    origin_request_policy_id   = local.all_but_host_name
    response_headers_policy_id = aws_cloudfront_response_headers_policy.this.id
  }

  # The links of mails. What they show has a policy of its own, by which its button works.
  ordered_cache_behavior {
    path_pattern             = "/u/*"
    target_origin_id         = "api"
    viewer_protocol_policy   = "https-only"
    allowed_methods          = ["GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE"] # POST comes in this set alone
    cached_methods           = ["GET", "HEAD"]
    cache_policy_id          = local.cache_nothing
    origin_request_policy_id = local.all_but_host_name
  }

  restrictions {
    geo_restriction {
      restriction_type = "none"
    }
  }

  # CloudFront's own certificate allows old TLS, too; a domain of yours brings TLS 1.2 and later alone.
  viewer_certificate {
    cloudfront_default_certificate = var.domain == null
    acm_certificate_arn            = try(var.domain.certificate_arn, null)
    ssl_support_method             = var.domain == null ? null : "sni-only"
    minimum_protocol_version       = var.domain == null ? "TLSv1" : "TLSv1.2_2021"
  }
}
