extension OpenAPISchemas {
    static let simulation = #"""
        {
          "Fault": {
            "type": "object", "required": ["id", "kind"],
            "properties": {
              "id": {"type": "string"},
              "kind": {
                "type": "string",
                "enum": [
                  "status", "status_after_effect", "delay", "disconnect", "lose_answer", "duplicate",
                  "reorder", "wrong_signature", "tampered_body", "skew", "drop"
                ]
              },
              "operation": {"type": "string"}, "consumer": {"type": "string"},
              "status": {"type": "integer", "minimum": 400, "maximum": 599}, "code": {"type": "string"},
              "retry_after": {"type": "integer", "minimum": 0, "maximum": 86400},
              "seconds": {"type": "number", "minimum": -86400, "maximum": 86400},
              "count": {"type": "integer", "minimum": 1},
              "rate": {"type": "number", "minimum": 0, "maximum": 1},
              "seed": {"type": "integer", "minimum": 0}
            },
            "additionalProperties": false
          },
          "FaultList": {
            "type": "object", "required": ["data"],
            "properties": {"data": {"type": "array", "items": {"$ref": "#/components/schemas/Fault"}}},
            "additionalProperties": false
          },
          "FaultRequest": {
            "type": "object",
            "properties": {
              "kind": {
                "type": "string",
                "enum": [
                  "status", "status_after_effect", "delay", "disconnect", "lose_answer", "duplicate",
                  "reorder", "wrong_signature", "tampered_body", "skew", "drop"
                ]
              },
              "operation": {"type": "string"}, "consumer": {"type": "string"},
              "status": {"type": "integer", "minimum": 400, "maximum": 599}, "code": {"type": "string"},
              "retry_after": {"type": "integer", "minimum": 0, "maximum": 86400},
              "seconds": {"type": "number", "minimum": -86400, "maximum": 86400},
              "count": {"type": "integer", "minimum": 1},
              "rate": {"type": "number", "minimum": 0, "maximum": 1},
              "seed": {"type": "integer", "minimum": 0}
            },
            "required": ["kind"]
          },
          "Phone": {
            "type": "object", "required": ["address", "imessage", "created_at"],
            "properties": {
              "address": {"type": "string"}, "imessage": {"type": "boolean"},
              "created_at": {"type": "string", "format": "date-time"}
            },
            "additionalProperties": false
          },
          "PhoneDelivery": {
            "type": "object", "required": ["conversation_id", "message_ids", "messages"],
            "properties": {
              "conversation_id": {"type": "string"},
              "message_ids": {"type": "array", "items": {"type": "string"}},
              "messages": {"type": "array", "items": {"$ref": "#/components/schemas/Message"}}
            },
            "additionalProperties": false
          },
          "PhoneList": {
            "type": "object", "required": ["data"],
            "properties": {"data": {"type": "array", "items": {"$ref": "#/components/schemas/Phone"}}},
            "additionalProperties": false
          },
          "PhoneMessageList": {
            "type": "object", "required": ["data"],
            "properties": {"data": {"type": "array", "items": {"$ref": "#/components/schemas/Message"}}},
            "additionalProperties": false
          },
          "PhoneMessageRequest": {
            "type": "object",
            "properties": {
              "group": {"type": ["string", "null"]}, "from": {"type": "string"}, "to": {"type": ["string", "null"]},
              "body": {"type": ["string", "null"]},
              "media": {"type": ["array", "null"], "items": {"type": "string"}, "maxItems": 20},
              "reply_to": {"type": ["string", "null"]}
            },
            "required": ["from"]
          },
          "PhoneReactionRequest": {
            "type": "object",
            "properties": {
              "from": {"type": "string"}, "message_id": {"type": "string"},
              "reaction": {"type": "string", "enum": ["love", "like", "dislike", "laugh", "emphasize", "question"]}
            },
            "required": ["from", "message_id", "reaction"]
          },
          "PhoneRequest": {
            "type": "object",
            "properties": {"address": {"type": "string"}, "imessage": {"type": ["boolean", "null"]}},
            "required": ["address"]
          },
          "SimulatedGroup": {
            "type": "object", "required": ["id", "conversation_id", "name", "members"],
            "properties": {
              "id": {"type": "string"}, "conversation_id": {"type": "string"}, "name": {"type": ["string", "null"]},
              "members": {"type": "array", "items": {"type": "string"}}
            },
            "additionalProperties": false
          },
          "SimulatedGroupRequest": {
            "type": "object",
            "properties": {
              "members": {"type": "array", "items": {"type": "string"}, "minItems": 2, "maxItems": 32},
              "to": {"type": ["string", "null"]}, "name": {"type": ["string", "null"]}
            },
            "required": ["members"]
          },
          "SimulatedNumber": {
            "type": "object", "required": ["id", "number", "imessage", "sms_registered"],
            "properties": {
              "id": {"type": "string"}, "number": {"type": "string"}, "imessage": {"type": "boolean"},
              "sms_registered": {"type": "boolean"}
            },
            "additionalProperties": false
          },
          "SimulatedNumberList": {
            "type": "object", "required": ["data"],
            "properties": {"data": {"type": "array", "items": {"$ref": "#/components/schemas/SimulatedNumber"}}},
            "additionalProperties": false
          },
          "SimulatedNumberRequest": {
            "type": "object",
            "properties": {
              "number": {"type": "string"}, "imessage": {"type": ["boolean", "null"]},
              "sms_registered": {"type": ["boolean", "null"]}
            },
            "required": ["number"]
          },
          "UploadedMedia": {
            "type": "object", "required": ["url", "kind", "content_type", "byte_count", "digest"],
            "properties": {
              "url": {"type": "string"},
              "kind": {"type": "string", "enum": ["image", "video", "audio", "contact", "document", "file"]},
              "content_type": {"type": "string"}, "byte_count": {"type": "integer"},
              "digest": {"type": "string"}
            },
            "additionalProperties": false
          },
          "WebhookSwitch": {
            "type": "object", "required": ["deliver", "shuffle"],
            "properties": {"deliver": {"type": "boolean"}, "shuffle": {"type": "boolean"}},
            "additionalProperties": false
          },
          "WebhookSwitchRequest": {
            "type": "object",
            "properties": {"deliver": {"type": ["boolean", "null"]}, "shuffle": {"type": ["boolean", "null"]}}
          }
        }
        """#
}
