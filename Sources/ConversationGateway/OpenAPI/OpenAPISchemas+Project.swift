extension OpenAPISchemas {
    static let project = #"""
        {
          "Agent": {
            "type": "object",
            "required": ["id", "name", "description", "voiceMode", "enableMessaging", "createdAt", "numbers"],
            "properties": {
              "id": {"type": "string"}, "name": {"type": "string"},
              "description": {"type": ["string", "null"]},
              "voiceMode": {"type": "string", "enum": ["webhook", "hosted"]},
              "enableMessaging": {"type": "boolean"}, "createdAt": {"type": "string", "format": "date-time"},
              "numbers": {"type": "array", "items": {"$ref": "#/components/schemas/AgentNumber"}}
            },
            "additionalProperties": false
          },
          "AgentCreation": {
            "type": "object",
            "properties": {
              "name": {"type": "string", "minLength": 1}, "description": {"type": ["string", "null"]},
              "voiceMode": {"type": ["string", "null"], "enum": ["webhook", "hosted", null]},
              "enableMessaging": {"type": ["boolean", "null"]}
            },
            "required": ["name"]
          },
          "AgentNumber": {
            "type": "object", "required": ["id", "phoneNumber", "status", "type"],
            "properties": {
              "id": {"type": "string"}, "phoneNumber": {"type": "string"}, "status": {"type": "string"},
              "type": {"type": "string"}
            },
            "additionalProperties": false
          },
          "AgentPage": {
            "type": "object", "required": ["data", "total"],
            "properties": {
              "data": {"type": "array", "items": {"$ref": "#/components/schemas/Agent"}},
              "total": {"type": "integer"}
            },
            "additionalProperties": false
          },
          "AgentUpdate": {
            "type": "object",
            "properties": {
              "name": {"type": ["string", "null"], "minLength": 1}, "description": {"type": ["string", "null"]},
              "voiceMode": {"type": ["string", "null"], "enum": ["webhook", "hosted", null]},
              "enableMessaging": {"type": ["boolean", "null"]}
            }
          },
          "AllTimeDeliveryStats": {
            "type": "object", "required": ["total", "success", "failed", "successRate"],
            "properties": {
              "total": {"type": "integer"}, "success": {"type": "integer"}, "failed": {"type": "integer"},
              "successRate": {"type": "number"}
            },
            "additionalProperties": false
          },
          "AttachRequest": {"type": "object", "properties": {"numberId": {"type": "string"}}, "required": ["numberId"]},
          "AttachedNumber": {
            "type": "object", "required": ["agentId", "number"],
            "properties": {"agentId": {"type": "string"}, "number": {"$ref": "#/components/schemas/Number"}},
            "additionalProperties": false
          },
          "CapabilityReport": {
            "type": "object", "required": ["phoneNumber", "capabilities", "checkedAt"],
            "properties": {
              "phoneNumber": {"type": "string"},
              "capabilities": {
                "type": "object", "required": ["imessage", "sms"],
                "properties": {"imessage": {"type": "boolean"}, "sms": {"type": "boolean"}},
                "additionalProperties": false
              },
              "checkedAt": {"type": "string", "format": "date-time"}
            },
            "additionalProperties": false
          },
          "Contact": {
            "type": "object",
            "required": ["id", "phoneNumber", "name", "email", "notes", "createdAt", "updatedAt"],
            "properties": {
              "id": {"type": "string"}, "phoneNumber": {"type": "string"}, "name": {"type": "string"},
              "email": {"type": ["string", "null"]}, "notes": {"type": ["string", "null"]},
              "createdAt": {"type": "string", "format": "date-time"},
              "updatedAt": {"type": "string", "format": "date-time"}
            },
            "additionalProperties": false
          },
          "ContactCreation": {
            "type": "object",
            "properties": {
              "phoneNumber": {"type": "string"}, "name": {"type": "string", "minLength": 1},
              "email": {"type": ["string", "null"]}, "notes": {"type": ["string", "null"]}
            },
            "required": ["phoneNumber", "name"]
          },
          "ContactPage": {
            "type": "object", "required": ["data", "hasMore", "total"],
            "properties": {
              "data": {"type": "array", "items": {"$ref": "#/components/schemas/Contact"}},
              "hasMore": {"type": "boolean"}, "total": {"type": "integer"}
            },
            "additionalProperties": false
          },
          "ContactUpdate": {
            "type": "object",
            "properties": {
              "phoneNumber": {"type": ["string", "null"]}, "name": {"type": ["string", "null"], "minLength": 1},
              "email": {"type": ["string", "null"]}, "notes": {"type": ["string", "null"]}
            }
          },
          "Delivery": {
            "type": "object",
            "required": [
              "id", "messageId", "eventType", "channel", "status", "httpStatus", "errorMessage",
              "responseBody", "attemptCount", "lastAttemptAt", "nextRetryAt", "createdAt"
            ],
            "properties": {
              "id": {"type": "string"}, "messageId": {"type": ["string", "null"]},
              "eventType": {"type": ["string", "null"]}, "channel": {"type": "string"},
              "status": {"type": "string", "enum": ["pending", "success", "failed"]},
              "httpStatus": {"type": ["integer", "null"]}, "errorMessage": {"type": ["string", "null"]},
              "responseBody": {"type": ["string", "null"]}, "attemptCount": {"type": "integer"},
              "lastAttemptAt": {"type": ["string", "null"], "format": "date-time"},
              "nextRetryAt": {"type": ["string", "null"], "format": "date-time"},
              "createdAt": {"type": "string", "format": "date-time"}
            },
            "additionalProperties": false
          },
          "DeliveryPage": {
            "type": "object", "required": ["items", "total", "offset", "limit"],
            "properties": {
              "items": {"type": "array", "items": {"$ref": "#/components/schemas/Delivery"}},
              "total": {"type": "integer"}, "offset": {"type": "integer"}, "limit": {"type": "integer"}
            },
            "additionalProperties": false
          },
          "DeliveryStats": {
            "type": "object",
            "required": ["total", "success", "failed", "pending", "successRate", "byEventType", "byHour"],
            "properties": {
              "total": {"type": "integer"}, "success": {"type": "integer"}, "failed": {"type": "integer"},
              "pending": {"type": "integer"}, "successRate": {"type": "number"},
              "byEventType": {
                "type": "object",
                "additionalProperties": {"type": "object", "additionalProperties": {"type": "integer"}}
              },
              "byHour": {
                "type": "array",
                "items": {
                  "type": "object", "required": ["hour", "total", "success", "failed", "pending"],
                  "properties": {
                    "hour": {"type": "string", "format": "date-time"}, "total": {"type": "integer"},
                    "success": {"type": "integer"}, "failed": {"type": "integer"},
                    "pending": {"type": "integer"}
                  },
                  "additionalProperties": false
                }
              }
            },
            "additionalProperties": false
          },
          "Number": {
            "type": "object",
            "required": ["id", "phoneNumber", "country", "status", "type", "agentId", "outboundSms", "createdAt"],
            "properties": {
              "id": {"type": "string"}, "phoneNumber": {"type": "string"}, "country": {"type": "string"},
              "status": {"type": "string"}, "type": {"type": "string"},
              "agentId": {"type": ["string", "null"]},
              "outboundSms": {"type": "string", "enum": ["enabled", "registration_required"]},
              "createdAt": {"type": "string", "format": "date-time"}
            },
            "additionalProperties": false
          },
          "NumberCreation": {
            "type": "object",
            "properties": {
              "country": {"type": ["string", "null"], "enum": ["US", null]},
              "agentId": {"type": ["string", "null"]}
            }
          },
          "NumberMessage": {
            "type": "object",
            "required": ["id", "from_", "to", "body", "direction", "channel", "receivedAt"],
            "properties": {
              "id": {"type": "string"}, "from_": {"type": "string"}, "to": {"type": "string"},
              "body": {"type": "string"}, "direction": {"type": "string", "enum": ["inbound", "outbound"]},
              "channel": {"type": "string", "enum": ["sms", "mms", "imessage"]},
              "receivedAt": {"type": "string", "format": "date-time"}
            },
            "additionalProperties": false
          },
          "NumberMessagePage": {
            "type": "object", "required": ["data", "hasMore"],
            "properties": {
              "data": {"type": "array", "items": {"$ref": "#/components/schemas/NumberMessage"}},
              "hasMore": {"type": "boolean"}
            },
            "additionalProperties": false
          },
          "NumberPage": {
            "type": "object", "required": ["data", "hasMore", "total"],
            "properties": {
              "data": {"type": "array", "items": {"$ref": "#/components/schemas/Number"}},
              "hasMore": {"type": "boolean"}, "total": {"type": "integer"}
            },
            "additionalProperties": false
          },
          "RegistrationStatus": {
            "type": "object", "required": ["campaign_status", "message", "stage"],
            "properties": {
              "campaign_status": {"type": "string", "enum": ["none", "pending", "approved"]},
              "message": {"type": "string"}, "stage": {"type": ["string", "null"]}
            },
            "additionalProperties": false
          },
          "Webhook": {
            "type": "object",
            "required": ["id", "url", "secret", "status", "contextLimit", "timeout", "createdAt"],
            "properties": {
              "id": {"type": "string"}, "url": {"type": "string"}, "secret": {"type": "string"},
              "status": {"type": "string"}, "contextLimit": {"type": "integer"},
              "timeout": {"type": "integer"}, "createdAt": {"type": "string", "format": "date-time"}
            },
            "additionalProperties": false
          },
          "WebhookRequest": {
            "type": "object",
            "properties": {
              "url": {"type": "string", "format": "uri", "minLength": 1, "maxLength": 2083},
              "contextLimit": {"type": ["integer", "null"], "minimum": 0, "maximum": 50},
              "timeout": {"type": ["integer", "null"], "minimum": 5, "maximum": 120}
            },
            "required": ["url"]
          },
          "WebhookTestRequest": {
            "type": "object",
            "properties": {
              "from": {"type": ["string", "null"]}, "to": {"type": ["string", "null"]},
              "message": {"type": ["string", "null"]}, "channel": {"type": ["string", "null"]}
            }
          },
          "WebhookTestResult": {
            "type": "object", "required": ["success", "httpStatus", "errorMessage"],
            "properties": {
              "success": {"type": "boolean"}, "httpStatus": {"type": ["integer", "null"]},
              "errorMessage": {"type": ["string", "null"]}
            },
            "additionalProperties": false
          }
        }
        """#
}
