"""What people may ask referrals or order: demands, answers, Hub messages, worklists."""

from services.referrals.http.demands import receive_demand
from services.referrals.http.messages import hear_message
from services.referrals.http.orders import ORDERS
from services.referrals.http.reading import QUESTIONS

ROUTES = (receive_demand, *ORDERS, hear_message, *QUESTIONS)
